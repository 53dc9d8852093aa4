import type { Clock, Timer } from '../clock.ts'

interface Entry {
  readonly at: number
  /** Breaks ties: what was asked for first fires first. */
  readonly order: number
  readonly fire: () => void
  cancelled: boolean
}

/** Any number of moments to come, and one timer: for the nearest of them. */
export class TimerHeap implements Disposable {
  readonly #clock: Clock
  readonly #heap: Entry[] = []
  #timer: { readonly at: number; readonly timer: Timer } | undefined
  #asked = 0
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `fire` at `at` (on the clock's monotonic scale, ms) or soon after, unless disposed of before. */
  at(at: number, fire: () => void): Disposable {
    const entry: Entry = { at, order: this.#asked++, fire, cancelled: false }
    if (!this.#closed) {
      this.#insert(entry)
      this.#arm()
    }
    return {
      // The entry stays in the heap until its time: taking it out would cost a search.
      [Symbol.dispose]: () => {
        entry.cancelled = true
      },
    }
  }

  /** Nothing fires any more. */
  [Symbol.dispose](): void {
    this.#closed = true
    this.#heap.length = 0
    this.#timer?.timer.clear()
    this.#timer = undefined
  }

  #arm(): void {
    const first = this.#heap[0]
    if (!first || this.#closed) return
    if (this.#timer && this.#timer.at <= first.at) return
    this.#timer?.timer.clear()
    const timer = this.#clock.startTimer(first.at - this.#clock.now(), () => this.#ring())
    this.#timer = { at: first.at, timer }
  }

  #ring(): void {
    this.#timer = undefined
    for (let first = this.#heap[0]; first && first.at <= this.#clock.now(); first = this.#heap[0]) {
      this.#removeFirst()
      if (!first.cancelled) first.fire()
    }
    this.#arm()
  }

  #insert(entry: Entry): void {
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above] as Entry
      if (isBefore(parent, entry)) break
      heap[at] = parent
      at = above
    }
    heap[at] = entry
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Entry, heap[below] as Entry)) below += 1
      const child = heap[below] as Entry
      if (isBefore(last, child)) break
      heap[at] = child
      at = below
    }
    heap[at] = last
  }
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
