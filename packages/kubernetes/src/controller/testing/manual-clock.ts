import type { Clock, Timer } from '../clock.ts'

interface Entry {
  readonly at: number
  readonly fire: () => void
}

/** A clock that moves when told to. Starts at 0, on 2026-01-01T00:00:00Z. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Entry>()
  readonly #watchers = new Set<() => void>()
  #now = 0
  /** Added to the wall clock alone: as if it were set. */
  skewMs = 0

  now(): number {
    return this.#now
  }

  wall(): number {
    return Date.UTC(2026, 0, 1) + this.#now + this.skewMs
  }

  startTimer(ms: number, fire: () => void): Timer {
    const entry: Entry = { at: this.#now + Math.max(ms, 0), fire }
    this.#timers.add(entry)
    for (const watcher of [...this.#watchers]) watcher()
    return { clear: () => void this.#timers.delete(entry) }
  }

  /** When the nearest timer fires, or undefined. */
  get nextAt(): number | undefined {
    return this.#timers.size === 0 ? undefined : Math.min(...[...this.#timers].map((entry) => entry.at))
  }

  /** Fires what becomes due on the way, in its order. */
  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const due = [...this.#timers].filter((entry) => entry.at <= until).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.#timers.delete(due)
      this.#now = Math.max(this.#now, due.at)
      due.fire()
    }
    this.#now = until
  }

  /** As if the process had not run for so long: time has passed and no timer has fired yet. */
  freeze(ms: number): void {
    this.#now += ms
  }

  /** Resolves when a timer is waiting that fires in `ms` at the latest (and at once, if one is). */
  async timerWithin(ms: number): Promise<void> {
    const waits = () => (this.nextAt ?? Number.POSITIVE_INFINITY) <= this.#now + ms
    while (!waits()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#watchers.add(resolve)
      await promise
      this.#watchers.delete(resolve)
    }
  }
}
