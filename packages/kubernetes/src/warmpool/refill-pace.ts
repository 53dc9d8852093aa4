import { TokenBucket } from '../controller/index.ts'

export interface RefillPaceOptions {
  /** From when a member left until its place is filled. */
  readonly delayMs: number
  /** Sandboxes a second; 0: no limit. */
  readonly perSecond: number
}

/**
 * How many of a pool's empty places may be filled now. Each place has a time of its own at which it is due: a delay that began anew with each member
 * that leaves would never end under steady claims, and the pool would run dry.
 *
 * The delay is for places that members left. What the pool lacks when it is first seen, what it has been scaled up by, and what the controller itself
 * has removed is due at once.
 */
export class RefillPace {
  readonly #delayMs: number
  readonly #bucket: TokenBucket
  /** When each empty place is due, first due first. */
  #dueAt: number[] = []
  #wanted = 0
  #removed = 0

  constructor({ delayMs, perSecond }: RefillPaceOptions) {
    this.#delayMs = delayMs
    this.#bucket = new TokenBucket({ perSecond: perSecond > 0 ? perSecond : -1, burst: perSecond })
  }

  /** The controller has deleted so many members. */
  removed(count: number): void {
    this.#removed += count
  }

  /** So many places have been filled. */
  filled(count: number): void {
    this.#dueAt.splice(0, count)
  }

  /** Places to fill now, and in how many ms there are more to fill. Each is counted against the rate. */
  take(missing: number, wanted: number, now: number): { readonly count: number; readonly againMs?: number } {
    this.#note(missing, wanted, now)
    const due = this.#dueAt.filter((at) => at <= now).length
    for (let count = 0; count < due; count++) {
      const waitMs = this.#bucket.tryTake(now)
      if (waitMs > 0) return { count, againMs: waitMs }
    }
    const next = this.#dueAt[due]
    return { count: due, ...(next !== undefined && { againMs: next - now }) }
  }

  #note(missing: number, wanted: number, now: number): void {
    const fresh = missing - this.#dueAt.length
    const grown = Math.max(wanted - this.#wanted, 0)
    const atOnce = Math.min(Math.max(fresh, 0), grown + this.#removed)
    this.#wanted = wanted
    // The places of those removed just now show only in the next pass.
    this.#removed -= Math.max(0, atOnce - grown)
    // Filled by others, or wanted no more: those that would wait longest.
    if (fresh < 0) this.#dueAt.length = missing
    for (let place = 0; place < fresh; place++) this.#dueAt.push(place < atOnce ? now : now + this.#delayMs)
    this.#dueAt.sort((a, b) => a - b)
  }
}
