import { once } from 'node:events'
import type { ClientHttp2Session } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure, type HostWitness, type InsideView, isFailure } from '@bulkhead/wire'
import { witnessProcess } from '@bulkhead/witness'
import { warmUp } from '../channel/warm-up.ts'
import type { Cgroup } from '../confine/cgroup.ts'
import { isAlive, type ProcessIdentity } from '../confine/process-identity.ts'
import { processUsage } from '../confine/process-usage.ts'
import { removeTree } from '../confine/remove-tree.ts'
import type {
  GuestIdentity,
  KernelExit,
  KernelHandle,
  KernelSnapshot,
  KernelSpec,
  KernelUsage,
  RunningKernel,
} from '../contract.ts'
import { takeCheckpoint } from './checkpoint.ts'
import { explainExit } from './explain-exit.ts'
import type { GuestLink } from './guest-link.ts'
import type { HolderControl } from './holder-control.ts'
import { readTail } from './read-tail.ts'
import { reasonOf } from './reason-of.ts'
import type { RunFolder } from './run-folder.ts'
import { runProgram } from './run-program.ts'
import type { Runsc } from './runsc.ts'

export interface GvisorKernelParts {
  readonly spec: KernelSpec
  readonly folder: RunFolder
  readonly runsc: Runsc
  readonly control: HolderControl
  /** Undefined where there are no cgroups for this user. */
  readonly cgroup: Cgroup | undefined
  /** The process under the holder, parent of all others: they end with it. */
  readonly parent: ProcessIdentity
  /** The process that is the kernel. */
  readonly sentry: ProcessIdentity
  readonly link: GuestLink
  readonly missing: readonly string[]
}

/** How long runsc may take for a command about a running kernel: its other side is the sentry, which may have been taken over. */
const commandTimeoutMs = 30_000

/** How long the holder may take to end after it has told how its program ended: it has nothing left to do. */
const holderEndMs = 5000

/** A sentry under its holder, started or adopted by this process. */
export class GvisorKernel implements RunningKernel {
  readonly isolation = 'userspace'
  readonly exited: Promise<KernelExit>
  readonly #parts: GvisorKernelParts
  #spec: KernelSpec
  #asked = false
  #paused = false
  #stopping: Promise<KernelExit> | undefined

  constructor(parts: GvisorKernelParts) {
    this.#parts = parts
    this.#spec = parts.spec
    this.exited = this.#end()
  }

  get handle(): KernelHandle {
    const { sentry, parent, link } = this.#parts
    return { runtime: 'gvisor', spec: this.#spec, ...sentry, detail: { parent, channelKey: link.key } }
  }

  channel(signal: AbortSignal): Promise<ClientHttp2Session> {
    return this.#parts.link.session(signal)
  }

  async warmUp(signal: AbortSignal): Promise<void> {
    await warmUp(await this.channel(signal), this.handle.spec.identity.accessToken, signal)
  }

  async configure(identity: GuestIdentity, signal: AbortSignal): Promise<void> {
    await this.#parts.link.configure(identity, signal)
    this.#spec = { ...this.#spec, identity }
  }

  inside(nonce: string, signal: AbortSignal): Promise<InsideView> {
    return this.#parts.link.inside(nonce, signal)
  }

  async pause(): Promise<void> {
    if (this.#paused) return
    await this.#command('pause')
    this.#paused = true
  }

  async resume(): Promise<void> {
    if (!this.#paused) return
    await this.#command('resume')
    this.#paused = false
  }

  async snapshot(into: string, signal: AbortSignal): Promise<KernelSnapshot> {
    const { spec, runsc, link } = this.#parts
    const wasPaused = this.#paused
    try {
      // A paused guest cannot answer; all that is written is in the sentry, whose memory is saved whole.
      if (!wasPaused) await link.sync(signal)
      // The clone's sessions would be those of this one: they end for both.
      link.reset('a snapshot is being taken')
      const snapshot = await takeCheckpoint({ runsc, spec, channelKey: link.key, into }, signal)
      // `--leave-running` leaves a paused kernel running.
      if (wasPaused) await this.#command('pause')
      return snapshot
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (isFailure(error)) throw error
      throw failure('snapshot_failed', { id: spec.id, reason: reasonOf(error) }, { cause: error })
    }
  }

  async usage(): Promise<KernelUsage> {
    const { cgroup, sentry } = this.#parts
    return cgroup ? cgroup.usage() : processUsage(sentry.pid)
  }

  witness(): Promise<HostWitness> {
    const { spec, sentry, missing } = this.#parts
    return witnessProcess({ id: spec.id, ...sentry, runtime: 'gvisor', isolation: this.isolation, missing })
  }

  stop({ graceMs = 2000 }: { graceMs?: number } = {}): Promise<KernelExit> {
    // One that failed is no answer to who asks again.
    this.#stopping ??= this.#stop(graceMs).catch((error) => {
      this.#stopping = undefined
      throw error
    })
    return this.#stopping
  }

  async release(): Promise<void> {
    this.#parts.link.close('this process has let go of the kernel')
    this.#parts.control[Symbol.dispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Resolves when it has ended and nothing of it is left but the state directory. */
  async #end(): Promise<KernelExit> {
    const { control, cgroup, folder, link } = this.#parts
    const end = await control.ended
    const asked = this.#asked
    link.close('the kernel has ended')
    const [outOfMemoryKills, logTail, panic] = await Promise.all([
      cgroup?.outOfMemoryKills().catch(() => 0) ?? 0,
      readTail(folder.log, 2000).catch(reasonOf),
      readTail(folder.panicLog, 2000).catch(reasonOf),
    ])
    await this.#clear()
    return explainExit({ end, asked, outOfMemoryKills, logTail, panic })
  }

  async #clear(): Promise<void> {
    const { control, cgroup, folder } = this.#parts
    try {
      await this.#killAll()
      await cgroup?.remove()
      await Promise.race([control.gone, sleep(holderEndMs, undefined, { ref: false })])
      await removeTree(folder.path)
    } catch (error) {
      // It has ended all the same, and the next sweep tries again.
      process.emitWarning(`something is left of the kernel ${this.#spec.id}: ${reasonOf(error)}`)
    }
    control[Symbol.dispose]()
  }

  async #stop(graceMs: number): Promise<KernelExit> {
    this.#asked = true
    if (!this.#paused && graceMs > 0) {
      const grace = AbortSignal.timeout(graceMs)
      // Whether it fails or is late, what follows is the same.
      const orderly = this.#parts.link.powerOff(grace).then(() => once(grace, 'abort'))
      await Promise.race([this.exited, orderly.catch(() => {})])
    }
    await this.#killAll()
    return this.exited
  }

  /** Without a cgroup the parent's end is the others': each has asked the host's kernel for it (PR_SET_PDEATHSIG). */
  async #killAll(): Promise<void> {
    const { cgroup, parent } = this.#parts
    if (cgroup) return cgroup.kill()
    if (!(await isAlive(parent))) return
    try {
      process.kill(parent.pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  async #command(verb: 'pause' | 'resume'): Promise<void> {
    const { runsc, spec } = this.#parts
    try {
      await runProgram(runsc.command([verb, spec.id]), AbortSignal.timeout(commandTimeoutMs))
    } catch (error) {
      throw failure('kernel_gone', { id: spec.id, reason: `runsc ${verb}: ${reasonOf(error)}` }, { cause: error })
    }
  }
}
