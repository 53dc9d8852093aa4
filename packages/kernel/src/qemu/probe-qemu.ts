import { access, constants, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RuntimeReport } from '@bulkhead/wire'
import { z } from 'zod'
import type { MachineRow } from './machine-table.ts'
import { type ProbeBootResult, probeBoot } from './probe-boot.ts'
import type { QemuPlan } from './qemu-arguments.ts'
import type { VmmHost } from './vmm.ts'

export interface ProbeRequest {
  readonly host: VmmHost
  readonly row: MachineRow
  readonly runRoot: string
  readonly cacheDirectory: string
  /** Changes with all the answer depends on. */
  readonly key: string
  readonly uid: number | undefined
  readonly missing: readonly string[]
  /** Boot again, whatever is cached. */
  readonly fresh: boolean
}

/** The longest an emulated boot may take, on a busy machine. */
const emulatedDeadlineMs = 90_000
/**
 * How much later than the emulated boot one with the hardware accelerator may end: real hardware is ten times faster. A device that opens
 * proves nothing: behind it may be a hypervisor that cannot run a stock kernel, which then stands still for ever.
 */
const hardwareGraceMs = 2000

type Attempt = RuntimeReport['attempts'][number] & Pick<ProbeBootResult, 'booted' | 'version'>

/** Boots with each accelerator this machine could have, both at once, and says what that showed. An answer that was usable is kept. */
export async function probeQemu(request: ProbeRequest, signal: AbortSignal): Promise<RuntimeReport> {
  const file = join(request.cacheDirectory, 'qemu-probe.json')
  if (!request.fresh) {
    const cached = await readCache(file, request.key)
    if (cached) return { ...cached, missing: [...request.missing] }
  }
  const report = await boots(request, signal)
  if (report.usable) await writeCache(file, request.key, report)
  return report
}

async function boots(request: ProbeRequest, signal: AbortSignal): Promise<RuntimeReport> {
  const emulatedIsDone = new AbortController()
  const [emulated, hardware] = await Promise.all([
    attempt(request, 'tcg', AbortSignal.timeout(emulatedDeadlineMs), signal).finally(() =>
      setTimeout(() => emulatedIsDone.abort(), hardwareGraceMs).unref()
    ),
    attemptHardware(request, emulatedIsDone.signal, signal),
  ])
  const best = hardware?.booted ? hardware : emulated
  const why = hardware
    ? `${hardware.what}: ${hardware.outcome}`
    : 'this machine has no hardware accelerator that QEMU knows'
  const reason = hardware?.booted ? undefined : emulated.booted ? why : `${why}; ${emulated.what}: ${emulated.outcome}`
  return {
    runtime: 'qemu',
    usable: best.booted,
    ...(best.booted ? { isolation: hardware?.booted ? 'hardware' : 'emulated' } : {}),
    ...(best.version === undefined ? {} : { version: best.version }),
    ...(reason === undefined ? {} : { reason }),
    attempts: [...(hardware ? [hardware] : []), emulated].map(({ what, outcome, tookMs }) => ({
      what,
      outcome,
      tookMs,
    })),
    missing: [...request.missing],
    checkedAt: new Date().toISOString(),
  }
}

async function attemptHardware(
  request: ProbeRequest,
  deadline: AbortSignal,
  signal: AbortSignal
): Promise<Attempt | undefined> {
  const { hardware } = request.row
  if (!hardware) return undefined
  const problem = hardware.device
    ? await access(hardware.device, constants.R_OK | constants.W_OK).then(
        () => undefined,
        (error: NodeJS.ErrnoException) => `${hardware.device} cannot be opened (${error.code})`
      )
    : undefined
  if (problem) return { what: hardware.accelerator, outcome: problem, tookMs: 0, booted: false, version: undefined }
  return attempt(request, hardware.accelerator, deadline, signal)
}

async function attempt(
  request: ProbeRequest,
  accelerator: QemuPlan['accelerator'],
  deadline: AbortSignal,
  signal: AbortSignal
): Promise<Attempt> {
  const started = performance.now()
  const tookMs = () => Math.round(performance.now() - started)
  try {
    const result = await probeBoot({ ...request, accelerator }, AbortSignal.any([deadline, signal]))
    return { what: accelerator, tookMs: tookMs(), ...result }
  } catch (error) {
    if (!deadline.aborted || signal.aborted) throw error
    const outcome = `started, but the guest had not booted after ${tookMs()} ms`
    return { what: accelerator, outcome, tookMs: tookMs(), booted: false, version: undefined }
  }
}

const Cache = z.object({ key: z.string(), report: RuntimeReport })

/** Undefined when there is none, it is of something else, or it cannot be read: then it is found out again. */
async function readCache(file: string, key: string): Promise<RuntimeReport | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return 'null'
    throw error
  })
  try {
    const cache = Cache.safeParse(JSON.parse(text))
    return cache.success && cache.data.key === key ? cache.data.report : undefined
  } catch {
    return undefined // cut short
  }
}

async function writeCache(file: string, key: string, report: RuntimeReport): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 })
  const partial = `${file}.${process.pid}.partial`
  await writeFile(partial, JSON.stringify({ key, report }), { mode: 0o600 })
  await rename(partial, file)
}
