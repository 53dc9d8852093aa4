import type { GuestEnd } from './kernel-exit.ts'
import { serialRingBytes } from './qemu-arguments.ts'
import { isRecord, type QmpClient, type QmpEvent } from './qmp-client.ts'

/**
 * The guest's own end as QEMU reports it: by an event while this process listens, or by the state it waits in since then.
 */
export class GuestWatch {
  readonly #monitor: QmpClient
  readonly #end = Promise.withResolvers<GuestEnd>()
  readonly #stop: () => void
  #known: GuestEnd | undefined

  constructor(monitor: QmpClient) {
    this.#monitor = monitor
    this.#stop = monitor.listen((event) => {
      const end = guestEnd(event)
      if (end) this.#tell(end)
    })
    monitor.closed.then(() => this.#stop())
  }

  /** Resolves when the guest has ended by itself; QEMU then still waits to be asked. */
  get end(): Promise<GuestEnd> {
    return this.#end.promise
  }

  get known(): GuestEnd | undefined {
    return this.#known
  }

  /** Asks QEMU whether the guest had ended before this process listened. Returns its state's name. */
  async ask(signal: AbortSignal): Promise<string> {
    const answer = await this.#monitor.execute('query-status', {}, signal)
    const status = isRecord(answer) && typeof answer.status === 'string' ? answer.status : 'unknown'
    if (status === 'guest-panicked') this.#tell('panic')
    if (status === 'shutdown') this.#tell('reset')
    return status
  }

  /** The last the guest wrote to its serial line, at most 64 KiB; empty when QEMU does not answer any more. */
  async serial(signal: AbortSignal): Promise<string> {
    try {
      const text = await this.#monitor.execute('ringbuf-read', { device: 'serial', size: serialRingBytes }, signal)
      return typeof text === 'string' ? text : ''
    } catch {
      return ''
    }
  }

  #tell(end: GuestEnd): void {
    // A panic may be followed by the reset it causes; the first word counts.
    if (this.#known) return
    this.#known = end
    this.#end.resolve(end)
  }
}

/** Source: qemu qapi/run-state.json, `SHUTDOWN` (`ShutdownCause`) and `GUEST_PANICKED`. */
function guestEnd({ name, data }: QmpEvent): GuestEnd | undefined {
  if (name === 'GUEST_PANICKED') return 'panic'
  if (name !== 'SHUTDOWN' || data.guest !== true) return undefined
  if (data.reason === 'guest-panic') return 'panic'
  return data.reason === 'guest-reset' ? 'reset' : 'power_off'
}
