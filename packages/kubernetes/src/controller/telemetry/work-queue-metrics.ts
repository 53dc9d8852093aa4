import type { Lane } from '../queue/lanes.ts'

/** What a queue reports as it happens. Times in ms. */
export interface WorkQueueMetrics {
  /** A key came that was not there already. */
  added(): void
  /** One more, or one less, waits in this lane. */
  waits(lane: Lane): void
  left(lane: Lane): void
  /** A worker took a key that had waited so long. */
  started(waitedMs: number): void
  finished(workedMs: number): void
  retried(): void
  /** To be asked at a scrape. */
  observe(state: () => WorkQueueState): void
}

export interface WorkQueueState {
  readonly now: number
  /** When each piece of work under way began, on the same clock as `now`. */
  readonly processingSinceMs: readonly number[]
}
