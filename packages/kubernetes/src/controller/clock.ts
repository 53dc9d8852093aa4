/** What is waited for; cleared when nobody waits any more. */
export interface Timer {
  clear(): void
}

/**
 * Time as the kit sees it. Durations are measured on the monotonic clock only: the wall clock may be set while they run. The wall clock is for
 * what is written into objects.
 */
export interface Clock {
  /** Milliseconds on a clock that never goes back; the zero means nothing. Source: CLOCK_MONOTONIC, which stands still while the machine is suspended. */
  now(): number
  /** Milliseconds since 1970. */
  wall(): number
  /** Calls `fire` once, `ms` from now at the earliest. */
  startTimer(ms: number, fire: () => void): Timer
}

/** setTimeout takes no more: it would fire at once. */
const longestTimeoutMs = 2 ** 31 - 1

/**
 * The process's own clocks. Timers keep the process alive: while the API server is away, a wait before the next try may be all there is. Everything
 * that starts one clears it at its end.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  startTimer: (ms, fire) => {
    const timeout = setTimeout(fire, Math.min(Math.max(ms, 0), longestTimeoutMs))
    return { clear: () => clearTimeout(timeout) }
  },
}

/** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = () => {
    timer.clear()
    reject(signal.reason)
  }
  const timer = clock.startTimer(ms, () => {
    signal.removeEventListener('abort', onAbort)
    resolve()
  })
  signal.addEventListener('abort', onAbort, { once: true })
  return promise
}
