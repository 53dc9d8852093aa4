import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { failure, isFailure } from '@bulkhead/wire'
import { openGuestSession } from './guest-session.ts'
import { handshake } from './handshake.ts'

/**
 * How long one connection is given before another is tried; twice as long each time. A connection can be dead on arrival: when the one before
 * was closed while the guest wrote, QEMU (seen in 10.0) may leave the port's way out blocked, and only the next close opens it again
 * (hw/char/virtio-console.c, `flush_buf`: the write that finds the peer gone throttles the port after the close has unthrottled it).
 */
const firstPatienceMs = 1500

export interface GuestChannelOptions {
  /** Whose channel it is: for errors. */
  readonly id: string
  /** A fresh connection to the guest's byte stream; it ends the one before. */
  readonly dial: (signal: AbortSignal) => Promise<Socket>
  /** The key the guest listens for at this moment. Absent where each connection is a fresh one: then there is no handshake. */
  readonly key?: () => string
  /** From the connection to the end of the handshake. A function is asked each time; undefined: as long as the caller's signal allows. */
  readonly timeoutMs: number | (() => number | undefined)
}

interface Attempt {
  readonly session: Promise<ClientHttp2Session>
  readonly abort: AbortController
  waiters: number
}

/**
 * One open HTTP/2 session to a guest at a time: kept while it lives, made anew when it has ended. Callers that come while it is being made
 * share the attempt, which is given up when the last of them has gone.
 */
export class GuestChannel implements AsyncDisposable {
  readonly #options: GuestChannelOptions
  #current: ClientHttp2Session | undefined
  #attempt: Attempt | undefined
  #closed: Error | undefined

  constructor(options: GuestChannelOptions) {
    this.#options = options
  }

  /** The open session. Fails `guest_unreachable`, or with the signal's reason. */
  async session(signal: AbortSignal): Promise<ClientHttp2Session> {
    signal.throwIfAborted()
    if (this.#closed) throw this.#closed
    if (this.#current && !this.#current.closed && !this.#current.destroyed) return this.#current
    this.#attempt ??= this.#start()
    return this.#join(this.#attempt, signal)
  }

  /** Ends the session, if one is open, and gives up on one being made. The next call of {@link session} makes a new one. */
  reset(reason: string): void {
    this.#attempt?.abort.abort(this.#unreachable(reason))
    this.#attempt = undefined
    this.#current?.destroy()
    this.#current = undefined
  }

  /** As {@link reset}, and for good: later calls fail with `guest_unreachable` and this reason. */
  close(reason: string): void {
    this.#closed ??= this.#unreachable(reason)
    this.reset(reason)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close('the channel was closed')
  }

  #start(): Attempt {
    const abort = new AbortController()
    const attempt: Attempt = { session: this.#open(abort.signal), abort, waiters: 0 }
    attempt.session.then(
      (session) => {
        // Given up in the meantime: nobody will use it.
        if (this.#attempt !== attempt) return session.destroy()
        this.#attempt = undefined
        this.#current = session
        session.once('close', () => {
          if (this.#current === session) this.#current = undefined
        })
      },
      () => {
        if (this.#attempt === attempt) this.#attempt = undefined
      }
    )
    return attempt
  }

  async #open(signal: AbortSignal): Promise<ClientHttp2Session> {
    const wanted = this.#options.timeoutMs
    const timeoutMs = typeof wanted === 'number' ? wanted : wanted()
    const deadline = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
    const either = deadline ? AbortSignal.any([signal, deadline]) : signal
    try {
      for (let patienceMs = firstPatienceMs; ; patienceMs *= 2) {
        const session = await this.#tryOnce(patienceMs, either)
        if (session) return session
      }
    } catch (error) {
      if (isFailure(error)) throw error
      const reason = deadline?.aborted
        ? `no answer within ${timeoutMs} ms`
        : error instanceof Error
          ? error.message
          : String(error)
      throw this.#unreachable(reason, error)
    }
  }

  /** Undefined when the guest has not answered in that time: worth another connection. */
  async #tryOnce(patienceMs: number, signal: AbortSignal): Promise<ClientHttp2Session | undefined> {
    const patience = AbortSignal.timeout(patienceMs)
    const either = AbortSignal.any([signal, patience])
    try {
      const socket = await this.#options.dial(either)
      const key = this.#options.key?.()
      if (key !== undefined) await handshake(socket, { key }, either)
      return await openGuestSession(socket, either)
    } catch (error) {
      if (patience.aborted && !signal.aborted) return undefined
      throw error
    }
  }

  async #join(attempt: Attempt, signal: AbortSignal): Promise<ClientHttp2Session> {
    attempt.waiters++
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([attempt.session, aborted])
    } finally {
      signal.removeEventListener('abort', onAbort)
      attempt.waiters--
      if (attempt.waiters === 0 && this.#attempt === attempt) {
        this.#attempt = undefined
        attempt.abort.abort(signal.reason)
      }
    }
  }

  #unreachable(reason: string, cause?: unknown) {
    return failure('guest_unreachable', { id: this.#options.id, reason }, { cause })
  }
}
