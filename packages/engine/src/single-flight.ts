interface Flight<Result> {
  readonly result: Promise<Result>
  readonly abort: AbortController
  waiters: number
}

/** Callers that ask for the same thing while it is being made share the making; it is given up when the last of them has gone. */
export class SingleFlight<Result> {
  readonly #flights = new Map<string, Flight<Result>>()

  /** Rejects with `signal`'s reason as soon as it aborts. `make` gets a signal of its own. */
  async run(key: string, signal: AbortSignal, make: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    signal.throwIfAborted()
    const flight = this.#flights.get(key) ?? this.#start(key, make)
    flight.waiters += 1
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([flight.result, aborted])
    } finally {
      signal.removeEventListener('abort', onAbort)
      flight.waiters -= 1
      if (flight.waiters === 0) this.#leave(key, flight, signal.reason)
    }
  }

  /** Resolves when nothing is being made. */
  async idle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
  }

  /** Also those that were given up and still clean up after themselves. */
  readonly #pending = new Set<Promise<Result>>()

  #start(key: string, make: (signal: AbortSignal) => Promise<Result>): Flight<Result> {
    const abort = new AbortController()
    const flight: Flight<Result> = { result: make(abort.signal), abort, waiters: 0 }
    this.#flights.set(key, flight)
    this.#pending.add(flight.result)
    const ended = () => {
      this.#pending.delete(flight.result)
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
    flight.result.then(ended, ended)
    return flight
  }

  #leave(key: string, flight: Flight<Result>, reason: unknown): void {
    if (this.#flights.get(key) !== flight) return
    this.#flights.delete(key)
    flight.abort.abort(reason)
  }
}
