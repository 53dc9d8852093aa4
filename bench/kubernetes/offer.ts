import { setTimeout as sleep } from 'node:timers/promises'

export interface OfferOptions {
  readonly total: number
  readonly perSecond: number
  readonly signal: AbortSignal
  /** Does one thing; `dueMs`, on performance's clock, is when it was to begin, to which the one who waits would count back. */
  readonly start: (at: number, dueMs: number) => Promise<void>
}

/**
 * Offers work at a fixed rate, whether what was begun before has ended or not: what is slow makes a queue, and does not slow down those who ask.
 * Returns when all has ended, with how late the latest began, in ms: what this process itself added.
 */
export async function offer({ total, perSecond, signal, start }: OfferOptions): Promise<number> {
  const beganMs = performance.now()
  const running: Promise<void>[] = []
  let latestMs = 0
  for (let at = 0; at < total; at++) {
    const dueMs = beganMs + (at * 1000) / perSecond
    // Timers count whole milliseconds of a clock of their own, and may be early.
    for (let aheadMs = dueMs - performance.now(); aheadMs > 0; aheadMs = dueMs - performance.now())
      await sleep(aheadMs, undefined, { signal })
    latestMs = Math.max(latestMs, performance.now() - dueMs)
    running.push(start(at, dueMs))
  }
  await Promise.all(running)
  return latestMs
}
