import { randomBytes } from 'node:crypto'
import { failure, isFailure, type RuntimeReport } from '@bulkhead/wire'
import { CgroupParent } from '../confine/cgroup.ts'
import { missingConfinement } from '../confine/missing-confinement.ts'
import type { KernelHandle, KernelRuntime, KernelSnapshot, KernelSpec, RunningKernel } from '../contract.ts'
import { type DiskLayer, DiskStore } from './disk-store.ts'
import { fingerprint } from './fingerprint.ts'
import { type MachineRow, machineRow } from './machine-table.ts'
import { continueAfterMigration, migrateFrom, prepareMigration } from './migration.ts'
import { probeQemu } from './probe-qemu.ts'
import { inside, type QemuPlan, wholeMiB } from './qemu-arguments.ts'
import { RunFolder } from './run-folder.ts'
import { RunningQemu } from './running-qemu.ts'
import { SnapshotFolder } from './snapshot-folder.ts'
import { StateFolder } from './state-folder.ts'
import { sweepQemu } from './sweep-qemu.ts'
import { takeSnapshot } from './take-snapshot.ts'
import { Vmm, type VmmHost } from './vmm.ts'

export interface QemuRuntimeOptions {
  readonly qemu: string
  readonly qemuImg: string
  readonly kernelImage: string
  readonly initrd: string
  /** The host-side helper. */
  readonly holder: string
  /** Short (a socket's path has at most 107 bytes), mode 0711. */
  readonly runRoot: string
  /** The name of the cgroup all kernels are below. */
  readonly cgroupRoot: string
  /** For what is made once and used by many: empty disks, the probe's answer. On the file system of the state directories, if possible. */
  readonly cacheDirectory: string
  /** From the start to the agent's answer. Default 120 s for a boot, 60 s for a restore. */
  readonly bootDeadlineMs?: number
  readonly restoreDeadlineMs?: number
}

/** Kernels of their own in QEMU: with KVM or HVF of the class `hardware`, without `emulated`. */
export async function createQemuRuntime(options: QemuRuntimeOptions): Promise<KernelRuntime> {
  const row = machineRow()
  if (!row) {
    throw failure('runtime_unavailable', {
      runtime: 'qemu',
      reason: `not made for ${process.platform}/${process.arch}`,
    })
  }
  return new QemuRuntime(options, row, await CgroupParent.open(options.cgroupRoot))
}

/** Before a kernel's id in the names of its folder and cgroup: other runtimes use the same places. */
const prefix = 'qemu-'
/** What a probe runs as: it has nothing that another process of this user could want. */
const nobody = 65534

class QemuRuntime implements KernelRuntime {
  readonly name = 'qemu'
  readonly cloningPays = true
  readonly #options: QemuRuntimeOptions
  readonly #row: MachineRow
  readonly #host: VmmHost
  readonly #disks: DiskStore
  readonly #isRoot = process.getuid?.() === 0

  constructor(options: QemuRuntimeOptions, row: MachineRow, cgroups: CgroupParent) {
    this.#options = options
    this.#row = row
    this.#host = { ...options, cgroups }
    this.#disks = new DiskStore(options)
  }

  fingerprint(): Promise<string> {
    const { qemu, kernelImage, initrd, holder } = this.#options
    return fingerprint([qemu, kernelImage, initrd, holder], this.#row)
  }

  async probe(options: { fresh?: boolean }, signal: AbortSignal): Promise<RuntimeReport> {
    const { runRoot, cacheDirectory } = this.#options
    return probeQemu(
      {
        host: this.#host,
        row: this.#row,
        runRoot,
        cacheDirectory,
        key: await this.fingerprint(),
        uid: this.#isRoot ? nobody : undefined,
        missing: this.#missing,
        fresh: options.fresh ?? false,
      },
      signal
    )
  }

  async boot(spec: KernelSpec, signal: AbortSignal): Promise<RunningKernel> {
    const blank = await this.#disks.blank(spec.diskBytes, signal)
    // On QEMU's command line, and so no secret: it is good for the first handshake only.
    const bootKey = randomBytes(16).toString('hex')
    return this.#start(
      spec,
      { layers: [blank.base], overlay: blank.overlay },
      { kind: 'boot', bootKey },
      bootKey,
      signal
    )
  }

  async restore(snapshot: KernelSnapshot, spec: KernelSpec, signal: AbortSignal): Promise<RunningKernel> {
    const unusable = (reason: string) => failure('snapshot_unusable', { directory: snapshot.directory, reason })
    if (snapshot.runtime !== 'qemu') throw unusable(`it was made by ${snapshot.runtime}`)
    if (snapshot.isolation !== spec.isolation) throw unusable(`it is of the class ${snapshot.isolation}`)
    if (snapshot.rootImage !== spec.rootImage) throw unusable('it was made of another image')
    if (snapshot.detail.machine !== this.#row.machine) throw unusable('it was made for another machine')
    const folder = await SnapshotFolder.open(snapshot)
    const wanted = { ...spec, memoryBytes: snapshot.memoryBytes, cpus: snapshot.cpus, diskBytes: snapshot.diskBytes }
    return this.#start(wanted, folder, { kind: 'restore', snapshot, folder }, snapshot.channelKey, signal)
  }

  async adopt(handle: KernelHandle, signal: AbortSignal): Promise<RunningKernel> {
    const { spec } = handle
    const gone = (reason: string, cause?: unknown) => failure('kernel_gone', { id: spec.id, reason }, { cause })
    const name = prefix + spec.id
    const vmm = await Vmm.adopt(
      { name, folder: new RunFolder(this.#options.runRoot, name), process: handle, cgroups: this.#host.cgroups },
      signal
    ).catch((error: unknown) => {
      throw gone('QEMU does not answer on its monitor', error)
    })
    if (!vmm) throw gone(`process ${handle.pid} has ended`)
    const layers = handle.detail.layers as DiskLayer['format'][]
    const plan = this.#plan(spec, layers, { kind: 'restore' })
    const kernel = this.#running(vmm, plan, spec, StateFolder.at(spec.stateDirectory, layers), spec.identity.channelKey)
    const status = await kernel.queryStatus(signal)
    if (status === 'shutdown' || status === 'guest-panicked') throw gone(describe(await kernel.exited, kernel))
    // The one before died while it took a snapshot.
    if (status === 'postmigrate' || status === 'finish-migrate') await continueAfterMigration(vmm.monitor, signal)
    return kernel
  }

  async sweep(keep: ReadonlySet<string>): Promise<string[]> {
    return sweepQemu({ runRoot: this.#options.runRoot, cgroups: this.#host.cgroups, prefix }, keep)
  }

  async #start(
    spec: KernelSpec,
    disk: { readonly layers: readonly DiskLayer[]; readonly overlay: string },
    how: { kind: 'boot'; bootKey: string } | { kind: 'restore'; snapshot: KernelSnapshot; folder: SnapshotFolder },
    firstKey: string,
    signal: AbortSignal
  ): Promise<RunningKernel> {
    const deadlineMs =
      how.kind === 'boot' ? (this.#options.bootDeadlineMs ?? 120_000) : (this.#options.restoreDeadlineMs ?? 60_000)
    const failed = (reason: string, cause?: unknown) =>
      failure('kernel_start_failed', { runtime: 'qemu', id: spec.id, reason }, { cause })
    const over = new AbortController()
    const either = AbortSignal.any([signal, over.signal])
    await using undo = new AsyncDisposableStack()
    const timer = setTimeout(
      () => over.abort(failed(`no answer of the guest agent within ${deadlineMs} ms`)),
      deadlineMs
    )
    undo.defer(() => clearTimeout(timer))
    try {
      const uid = this.#isRoot ? spec.uid : undefined
      const plan = this.#plan(
        spec,
        disk.layers.map((layer) => layer.format),
        how
      )
      undo.defer(() => StateFolder.at(spec.stateDirectory, plan.layers).clear())
      const state = await StateFolder.fill(spec.stateDirectory, disk, uid, either)
      const name = prefix + spec.id
      const vmm = await Vmm.start(
        this.#host,
        {
          name,
          folder: new RunFolder(this.#options.runRoot, name),
          plan,
          binds: [
            { source: spec.rootImage, target: inside.root, access: 'read' },
            ...state.binds,
            ...(how.kind === 'boot'
              ? []
              : [
                  { source: how.folder.memory, target: inside.memory, access: 'read' } as const,
                  { source: how.folder.state, target: inside.state, access: 'read' } as const,
                ]),
          ],
          uid,
          maxFileBytes: Math.max(spec.diskBytes, plan.memoryBytes),
        },
        either
      )
      const kernel = undo.use(this.#running(vmm, plan, { ...spec, memoryBytes: plan.memoryBytes }, state, firstKey))
      // A guest that ends in the middle of its start says why at once; nobody waits for the deadline.
      kernel.exited.then((exit) => over.abort(failed(describe(exit, kernel))))
      if (how.kind === 'restore') await this.#load(kernel, how.snapshot, either)
      await kernel.configure(spec.identity, either).catch(async (error: unknown) => {
        if (either.aborted) throw error
        const words = await kernel.lastSerialLine(AbortSignal.timeout(1000))
        // Of a guest that has ended, its end is the reason; the broken channel is not.
        if (kernel.isEnding) await kernel.exited
        either.throwIfAborted()
        throw failed([String(error), words].filter(Boolean).join('; the last on its serial line: '), error)
      })
      await vmm.limitProcessor(plan)
      either.throwIfAborted()
      clearTimeout(timer)
      undo.move()
      return kernel
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (over.signal.aborted) throw over.signal.reason
      if (isFailure(error)) throw error
      throw failed(error instanceof Error ? error.message : String(error), error)
    }
  }

  /** Takes in a snapshot's state and lets the guest run. It must be configured before anything of its user's runs. */
  async #load(kernel: RunningQemu, snapshot: KernelSnapshot, signal: AbortSignal): Promise<void> {
    const { monitor } = kernel.vmm
    const version = await monitor.version()
    if (version !== snapshot.detail.qemuVersion) {
      const reason = `it was made by QEMU ${snapshot.detail.qemuVersion}, this is ${version}`
      throw failure('snapshot_unusable', { directory: snapshot.directory, reason })
    }
    await prepareMigration(monitor, { withoutSharedMemory: true }, signal)
    await migrateFrom(monitor, inside.state, signal)
    await monitor.execute('cont', {}, signal)
  }

  #plan(
    spec: KernelSpec,
    layers: readonly DiskLayer['format'][],
    how: { readonly kind: 'boot'; readonly bootKey: string } | { readonly kind: 'restore' }
  ): QemuPlan {
    return {
      row: this.#row,
      accelerator: this.#acceleratorFor(spec),
      memoryBytes: wholeMiB(spec.memoryBytes),
      cpus: spec.cpus,
      start: how.kind === 'boot' ? { kind: 'boot', bootKey: how.bootKey } : { kind: 'restore' },
      layers,
    }
  }

  /** The one that gives the class asked for and no other: QEMU itself never falls back to a weaker one. */
  #acceleratorFor(spec: KernelSpec): QemuPlan['accelerator'] {
    if (spec.isolation === 'emulated') return 'tcg'
    if (spec.isolation === 'hardware' && this.#row.hardware) return this.#row.hardware.accelerator
    throw failure('isolation_unavailable', { wanted: spec.isolation, offered: 'emulated' })
  }

  #running(vmm: Vmm, plan: QemuPlan, spec: KernelSpec, state: StateFolder, firstKey: string): RunningQemu {
    const uid = this.#isRoot ? spec.uid : undefined
    const tools = { host: this.#host, disks: this.#disks, runRoot: this.#options.runRoot, plan, uid }
    const freeze = (kernel: RunningQemu, into: string, signal: AbortSignal) => takeSnapshot(kernel, into, tools, signal)
    return new RunningQemu({ vmm, spec, state, firstKey, freeze, missing: this.#missing })
  }

  get #missing(): string[] {
    return missingConfinement(this.#host.cgroups, this.#isRoot)
  }
}

function describe(exit: { kind: string; detail?: string }, kernel: RunningQemu): string {
  return [exit.kind.replaceAll('_', ' '), exit.detail ?? kernel.lastWords].filter(Boolean).join(': ')
}
