import { failure, isFailure, type RuntimeReport } from '@bulkhead/wire'
import { CgroupParent } from '../confine/cgroup.ts'
import { missingConfinement } from '../confine/missing-confinement.ts'
import { isAlive, type ProcessIdentity } from '../confine/process-identity.ts'
import type { KernelHandle, KernelRuntime, KernelSnapshot, KernelSpec, RunningKernel } from '../contract.ts'
import { fingerprint } from './fingerprint.ts'
import { GuestLink } from './guest-link.ts'
import { GvisorKernel } from './gvisor-kernel.ts'
import type { GvisorOptions } from './gvisor-options.ts'
import { HolderControl } from './holder-control.ts'
import { type Launch, launch } from './launch.ts'
import { Probe } from './probe.ts'
import { reasonOf } from './reason-of.ts'
import { RunFolder, runName } from './run-folder.ts'
import { Runsc } from './runsc.ts'
import { sweepGvisor } from './sweep-gvisor.ts'

/** From the start of the holder to a guest that has its identity. */
const startTimeoutMs = 30_000

/** gVisor as a kernel runtime: `runsc` on the platform systrap, each kernel as a user of its own. */
export async function createGvisorRuntime(options: GvisorOptions): Promise<KernelRuntime> {
  return new GvisorRuntime(options, await CgroupParent.open(options.cgroupRoot))
}

class GvisorRuntime implements KernelRuntime {
  readonly name = 'gvisor'
  /** A boot is as quick as a restore, and a restored sentry keeps more memory of its own. */
  readonly cloningPays = false
  readonly #options: GvisorOptions
  readonly #cgroups: CgroupParent
  readonly #probe: Probe

  constructor(options: GvisorOptions, cgroups: CgroupParent) {
    this.#options = options
    this.#cgroups = cgroups
    this.#probe = new Probe(options, missingConfinement(cgroups, isRoot()), (spec, signal) =>
      this.#start({ spec, rootImage: undefined }, signal)
    )
  }

  fingerprint(): Promise<string> {
    return fingerprint(this.#options)
  }

  probe(options: { fresh?: boolean }, signal: AbortSignal): Promise<RuntimeReport> {
    return this.#probe.report(options, signal)
  }

  boot(spec: KernelSpec, signal: AbortSignal): Promise<RunningKernel> {
    return this.#start({ spec, rootImage: spec.rootImage }, signal)
  }

  async restore(snapshot: KernelSnapshot, spec: KernelSpec, signal: AbortSignal): Promise<RunningKernel> {
    const unusable = (reason: string) => failure('snapshot_unusable', { directory: snapshot.directory, reason })
    if (snapshot.runtime !== 'gvisor') throw unusable(`it is of the runtime ${snapshot.runtime}`)
    // Both are part of what was saved: another one would be promised and not kept.
    if (snapshot.rootImage !== spec.rootImage) throw unusable('it was made of another image')
    if (snapshot.diskBytes !== spec.diskBytes) throw unusable(`its disk has ${snapshot.diskBytes} bytes`)
    return this.#start({ spec, rootImage: spec.rootImage, snapshot }, signal)
  }

  async adopt(handle: KernelHandle, signal: AbortSignal): Promise<RunningKernel> {
    const { spec, pid, startTime } = handle
    // Written by this runtime, kept by the caller.
    const { parent, channelKey } = handle.detail as { parent: ProcessIdentity; channelKey: string }
    const gone = (reason: string, cause?: unknown) => failure('kernel_gone', { id: spec.id, reason }, { cause })
    const sentry = { pid, startTime }
    if (!(await isAlive(sentry))) throw gone(`its process ${pid} has ended`)
    const folder = new RunFolder(this.#options.runRoot, spec.id)
    const control = await HolderControl.connect(folder.controlSocket, signal).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : gone('the holder of its stream does not answer', error)
    })
    return new GvisorKernel({
      spec,
      folder,
      runsc: new Runsc(this.#options, folder, spec),
      control,
      cgroup: await this.#cgroups.find(runName(spec.id)),
      parent,
      sentry,
      link: new GuestLink({ id: spec.id, socket: folder.channelSocket, key: channelKey }),
      missing: missingConfinement(this.#cgroups, isRoot()),
    })
  }

  sweep(keep: ReadonlySet<string>): Promise<string[]> {
    return sweepGvisor(this.#options.runRoot, this.#cgroups, keep)
  }

  async #start(start: Launch, signal: AbortSignal): Promise<GvisorKernel> {
    const { id, isolation } = start.spec
    if (isolation !== 'userspace') throw failure('isolation_unavailable', { wanted: isolation, offered: 'userspace' })
    if (!/^[a-z0-9-]{1,40}$/.test(id)) throw new TypeError(`not a kernel's id: ${JSON.stringify(id)}`)
    const timeout = AbortSignal.timeout(startTimeoutMs)
    try {
      return await launch(this.#options, this.#cgroups, start, AbortSignal.any([signal, timeout]))
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (isFailure(error)) throw error
      const reason = timeout.aborted ? `no guest answered within ${startTimeoutMs} ms` : reasonOf(error)
      throw failure('kernel_start_failed', { runtime: this.name, id, reason }, { cause: error })
    }
  }
}

const isRoot = (): boolean => process.getuid?.() === 0
