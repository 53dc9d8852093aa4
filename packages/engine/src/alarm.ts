/** setTimeout takes no more (it would fire at once); the alarm wakes up, sees that nothing is due and sleeps on. */
const longestSleepMs = 2 ** 31 - 1

/** One timer for the nearest of many moments on the wall clock. */
export class Alarm {
  readonly #next: () => number | undefined
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /** `next`: the nearest moment, in ms since 1970, or undefined. `ring`: called at or after it; it rearms. */
  constructor(next: () => number | undefined, ring: () => void) {
    this.#next = next
    this.#ring = ring
  }

  /** To be called when the nearest moment may have changed. */
  rearm(): void {
    clearTimeout(this.#timer)
    if (this.#closed) return
    const at = this.#next()
    if (at === undefined) return
    this.#timer = setTimeout(this.#ring, Math.min(Math.max(at - Date.now(), 0), longestSleepMs))
    // Whether the process stays is its owner's decision: `Backend.busy` tells it.
    this.#timer.unref()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }
}
