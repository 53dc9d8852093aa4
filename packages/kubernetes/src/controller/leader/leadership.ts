import { type BulkheadError, failure } from '@bulkhead/wire'
import type { Clock, Timer } from '../clock.ts'
import type { Fence } from '../fence.ts'

/**
 * One term as the leader. It holds until `renewDeadlineMs` after the last successful renewal was *sent*: that is before the moment the API server
 * stored it, and so before the earliest moment another candidate could begin to count. The rest of the lease's duration is the margin for
 * requests that are under way and for clocks that run at different speeds. Time in which the whole machine was suspended is not seen (see
 * `Clock.now`): against that, only the API server's own checks (resource versions) help.
 */
export class Leadership implements Fence {
  readonly #clock: Clock
  readonly #renewDeadlineMs: number
  readonly #lease: string
  readonly #abort = new AbortController()
  #heldUntil: number
  #timer: Timer

  constructor(clock: Clock, lease: string, renewDeadlineMs: number, sentAtMs: number) {
    this.#clock = clock
    this.#lease = lease
    this.#renewDeadlineMs = renewDeadlineMs
    this.#heldUntil = sentAtMs + renewDeadlineMs
    this.#timer = this.#arm()
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** For how long it holds without another renewal, in ms. */
  get remainingMs(): number {
    return this.signal.aborted ? 0 : Math.max(0, this.#heldUntil - this.#clock.now())
  }

  /** Throws `leadership_lost`. */
  assertHeld(): void {
    if (!this.signal.aborted && this.#clock.now() >= this.#heldUntil) this.#expire()
    this.signal.throwIfAborted()
  }

  /** A renewal that was sent at this moment has succeeded. Too late, if the term is over. */
  renewed(sentAtMs: number): void {
    if (this.signal.aborted) return
    this.assertHeld()
    this.#heldUntil = sentAtMs + this.#renewDeadlineMs
    this.#timer.clear()
    this.#timer = this.#arm()
  }

  lose(reason: string): void {
    this.#timer.clear()
    this.#abort.abort(this.#lost(reason))
  }

  #arm(): Timer {
    return this.#clock.startTimer(this.#heldUntil - this.#clock.now(), () => {
      // A timer may come a little early.
      if (this.#clock.now() < this.#heldUntil) this.#timer = this.#arm()
      else this.#expire()
    })
  }

  #expire(): void {
    this.lose(`the lease could not be renewed for ${this.#renewDeadlineMs} ms`)
  }

  #lost(reason: string): BulkheadError {
    return failure('leadership_lost', { lease: this.#lease, reason })
  }
}
