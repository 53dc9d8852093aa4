import { randomBytes } from 'node:crypto'
import { GuestWatch } from './guest-watch.ts'
import { kernelExit, lastLine } from './kernel-exit.ts'
import type { MachineRow } from './machine-table.ts'
import type { QemuPlan } from './qemu-arguments.ts'
import { RunFolder } from './run-folder.ts'
import { Vmm, type VmmHost } from './vmm.ts'

const MiB = 1024 * 1024

export interface ProbeBootRequest {
  readonly host: VmmHost
  readonly row: MachineRow
  readonly runRoot: string
  readonly accelerator: QemuPlan['accelerator']
  readonly uid: number | undefined
}

export interface ProbeBootResult {
  readonly booted: boolean
  /** How it ended, in words. */
  readonly outcome: string
  /** QEMU's. */
  readonly version: string | undefined
}

/**
 * Boots the guest kernel and its agent in a confined QEMU that has no disks. The agent then has no root file system, says so and powers off:
 * that orderly power-off is the proof that processors, memory, virtio and user space work. Leaves nothing behind. Rejects only when aborted.
 */
export async function probeBoot(request: ProbeBootRequest, signal: AbortSignal): Promise<ProbeBootResult> {
  const { accelerator, row, uid } = request
  const name = `qemu-probe-${randomBytes(4).toString('hex')}`
  const plan: QemuPlan = {
    row,
    accelerator,
    memoryBytes: 256 * MiB,
    cpus: 1,
    start: { kind: 'boot', bootKey: randomBytes(16).toString('hex') },
    layers: [],
  }
  let vmm: Vmm
  try {
    const folder = new RunFolder(request.runRoot, name)
    vmm = await Vmm.start(request.host, { name, folder, plan, binds: [], uid, maxFileBytes: 0 }, signal)
  } catch (error) {
    signal.throwIfAborted()
    return { booted: false, outcome: error instanceof Error ? error.message : String(error), version: undefined }
  }
  await using _ = vmm
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    const version = await vmm.monitor.version()
    const guest = new GuestWatch(vmm.monitor)
    const end = await Promise.race([guest.end, vmm.ended, aborted])
    if (typeof end !== 'string') {
      const exit = kernelExit({ asked: false, guest: undefined, serial: '', ...end })
      return { booted: false, outcome: 'detail' in exit ? exit.detail : exit.kind, version }
    }
    const words = lastLine(await guest.serial(AbortSignal.any([signal, AbortSignal.timeout(10_000)])))
    const outcome = end === 'power_off' ? 'booted' : `the guest kernel ended by ${end}${words ? `: ${words}` : ''}`
    return { booted: end === 'power_off', outcome, version }
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
