import type { Progress } from '../contract.ts'

interface Flight<T> {
  readonly result: Promise<T>
  readonly listeners: Set<Progress>
  readonly abandon: AbortController
}

/**
 * Joins callers that want the same thing at the same time: the work is done once, all hear its progress, and it is aborted when the
 * last of them has left.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>()

  /** After an abort of `signal` rejects with its reason; if nobody else waits, only once the work has cleaned up after itself. */
  async join(
    key: string,
    start: (progress: Progress, signal: AbortSignal) => Promise<T>,
    progress: Progress,
    signal: AbortSignal
  ): Promise<T> {
    signal.throwIfAborted()
    const flight = this.#flights.get(key) ?? this.#start(key, start)
    // A listener per caller, also when two give the same function.
    const listener: Progress = (event) => progress(event)
    flight.listeners.add(listener)
    const left = Promise.withResolvers<never>()
    const leave = () => {
      flight.listeners.delete(listener)
      if (flight.listeners.size > 0) return left.reject(signal.reason)
      this.#forget(key, flight)
      flight.abandon.abort(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([flight.result, left.promise])
    } finally {
      signal.removeEventListener('abort', leave)
      flight.listeners.delete(listener)
    }
  }

  #start(key: string, start: (progress: Progress, signal: AbortSignal) => Promise<T>): Flight<T> {
    const listeners = new Set<Progress>()
    const abandon = new AbortController()
    const tell: Progress = (event) => {
      for (const listener of listeners) listener(event)
    }
    const flight: Flight<T> = { listeners, abandon, result: start(tell, abandon.signal) }
    this.#flights.set(key, flight)
    const forget = () => this.#forget(key, flight)
    flight.result.then(forget, forget)
    return flight
  }

  #forget(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }
}
