import type { ClientHttp2Session } from 'node:http2'
import { failure, type HostWitness, type InsideView, type IsolationClass } from '@bulkhead/wire'
import { witnessProcess } from '@bulkhead/witness'
import { dialUnix } from '../channel/dial-unix.ts'
import { GuestChannel } from '../channel/guest-channel.ts'
import { GuestControl } from '../channel/guest-control.ts'
import { insideView } from '../channel/inside-view.ts'
import { warmUp } from '../channel/warm-up.ts'
import { processUsage } from '../confine/process-usage.ts'
import type {
  GuestIdentity,
  KernelExit,
  KernelHandle,
  KernelSnapshot,
  KernelSpec,
  KernelUsage,
  RunningKernel,
} from '../contract.ts'
import { GuestWatch } from './guest-watch.ts'
import { kernelExit, lastLine } from './kernel-exit.ts'
import type { StateFolder } from './state-folder.ts'
import type { Vmm } from './vmm.ts'

/** How long QEMU may take to answer a command that does not wait for the guest. */
const answerWithinMs = 10_000
/** How long a guest that runs may take for a handshake: emulated on a busy host, seconds. */
const handshakeWithinMs = 30_000

export interface RunningQemuParts {
  readonly vmm: Vmm
  readonly spec: KernelSpec
  readonly state: StateFolder
  /** The key the guest listens for until it is configured; later that of the spec's identity. */
  readonly firstKey: string
  /** How a snapshot of it is made. */
  readonly freeze: (kernel: RunningQemu, into: string, signal: AbortSignal) => Promise<KernelSnapshot>
  /** What of the confinement could not be had. */
  readonly missing: readonly string[]
}

/** A guest in QEMU: the VMM, the guest's own end, and the channel to its agent. */
export class RunningQemu implements RunningKernel {
  readonly isolation: IsolationClass
  readonly vmm: Vmm
  readonly state: StateFolder
  readonly exited: Promise<KernelExit>
  readonly #parts: RunningQemuParts
  readonly #guest: GuestWatch
  readonly #channel: GuestChannel
  #spec: KernelSpec
  #key: string
  #configured: boolean
  #paused = false
  #asked = false
  #lastWords: string | undefined

  constructor(parts: RunningQemuParts) {
    this.#parts = parts
    this.vmm = parts.vmm
    this.#spec = parts.spec
    this.state = parts.state
    this.isolation = parts.spec.isolation
    this.#key = parts.firstKey
    this.#configured = parts.firstKey === parts.spec.identity.channelKey
    this.#guest = new GuestWatch(parts.vmm.monitor)
    this.#channel = new GuestChannel({
      id: parts.spec.id,
      dial: (signal) => dialUnix(parts.vmm.folder.channelSocket, signal),
      key: () => this.#key,
      // Until it has been configured the guest boots, and whoever starts it has a deadline for all of that.
      timeoutMs: () => (this.#configured ? handshakeWithinMs : undefined),
    })
    this.exited = this.#untilEnd()
  }

  get spec(): KernelSpec {
    return this.#spec
  }

  get handle(): KernelHandle {
    return {
      runtime: 'qemu',
      spec: this.#spec,
      ...this.vmm.process,
      detail: { layers: this.state.layers.map((layer) => layer.format) },
    }
  }

  channel(signal: AbortSignal): Promise<ClientHttp2Session> {
    return this.#channel.session(signal)
  }

  async warmUp(signal: AbortSignal): Promise<void> {
    await warmUp(await this.channel(signal), this.handle.spec.identity.accessToken, signal)
  }

  async configure(identity: GuestIdentity, signal: AbortSignal): Promise<void> {
    await this.#ask(signal, (guest) => guest.configure(identity, signal))
    this.#key = identity.channelKey
    this.#configured = true
    this.#spec = { ...this.#spec, identity }
  }

  inside(nonce: string, signal: AbortSignal): Promise<InsideView> {
    return this.#ask(signal, async (guest) => insideView(await guest.evidence(nonce, signal)))
  }

  async pause(): Promise<void> {
    await this.command('stop')
    this.#paused = true
  }

  async resume(): Promise<void> {
    await this.command('cont')
    this.#paused = false
  }

  snapshot(into: string, signal: AbortSignal): Promise<KernelSnapshot> {
    return this.#parts.freeze(this, into, signal)
  }

  async usage(): Promise<KernelUsage> {
    const { cgroup, process } = this.vmm
    return cgroup ? cgroup.usage() : processUsage(process.pid)
  }

  witness(): Promise<HostWitness> {
    return witnessProcess({
      id: this.spec.id,
      ...this.vmm.process,
      runtime: 'qemu',
      isolation: this.isolation,
      missing: this.#parts.missing,
    })
  }

  async stop(options: { graceMs?: number } = {}): Promise<KernelExit> {
    this.#asked = true
    const graceMs = options.graceMs ?? 2000
    if (graceMs > 0 && !this.#paused) await this.#powerOff(AbortSignal.timeout(graceMs))
    await this.vmm.kill()
    return this.exited
  }

  async release(): Promise<void> {
    this.#channel.close('this process has let go of the kernel')
    await this.vmm.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ graceMs: 0 })
  }

  /** The last line the guest wrote to its serial line before it ended by itself. Its own word. */
  get lastWords(): string | undefined {
    return this.#lastWords
  }

  /** Whether {@link exited} is about to resolve. */
  get isEnding(): boolean {
    return this.#guest.known !== undefined || this.vmm.monitor.isClosed
  }

  /** The guest's serial line as it is now, its last line only; undefined when it has written nothing. */
  async lastSerialLine(signal: AbortSignal): Promise<string | undefined> {
    return lastLine(await this.#guest.serial(signal))
  }

  /** QEMU's name for the state the machine is in. A guest that has ended meanwhile makes {@link exited} resolve. */
  queryStatus(signal: AbortSignal): Promise<string> {
    return this.#guest.ask(signal)
  }

  /** Ends open sessions: the guest is about to be frozen, and a frozen session is a dead one. */
  endSessions(reason: string): void {
    this.#channel.reset(reason)
  }

  /** A monitor command that needs nothing of the guest. */
  command(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return this.vmm.monitor.execute(name, args, AbortSignal.timeout(answerWithinMs))
  }

  /** Asks the guest agent. What it cannot or will not answer fails as `guest_unreachable`. */
  async #ask<T>(signal: AbortSignal, ask: (guest: GuestControl) => Promise<T>): Promise<T> {
    const session = await this.#channel.session(signal)
    try {
      return await ask(new GuestControl(session, this.#key))
    } catch (error) {
      if (signal.aborted) throw signal.reason
      const reason = error instanceof Error ? error.message : String(error)
      throw failure('guest_unreachable', { id: this.spec.id, reason }, { cause: error })
    }
  }

  /** Asks for an orderly power-off and waits for it. A guest that does not answer, or not in time, is ended all the same: no error. */
  async #powerOff(signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const either = AbortSignal.any([signal, over.signal])
    const ended = Promise.race([this.#guest.end, this.vmm.ended]).then(() => over.abort())
    const late = new Promise<void>((resolve) => either.addEventListener('abort', () => resolve(), { once: true }))
    const asked = await this.#ask(either, (guest) => guest.powerOff(either)).then(
      () => true,
      () => false
    )
    if (asked) await Promise.race([ended, late])
  }

  async #untilEnd(): Promise<KernelExit> {
    const guestEnded = this.#guest.end.then(() => this.#guest.serial(AbortSignal.timeout(answerWithinMs)))
    const serial = await Promise.race([guestEnded, this.vmm.ended.then(() => '')])
    this.#lastWords = lastLine(serial)
    // Where it cannot be killed it has not ended: whoever stops it hears why, and may try again.
    if (this.#guest.known) await this.vmm.kill().catch((error) => process.emitWarning(String(error)))
    const end = await this.vmm.ended
    this.#channel.close('the kernel has ended')
    return kernelExit({ asked: this.#asked, guest: this.#guest.known, serial, ...end })
  }
}
