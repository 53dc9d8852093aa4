import { TokenBucket } from '../queue/token-bucket.ts'

/** As client-go's spam filter: 25 different events about one object at once, then one every five minutes. */
const spamFilter = { perSecond: 1 / 300, burst: 25 }
/** Objects and events remembered; the longest unused are forgotten first. */
const remembered = 4096

export interface EventSeriesOptions {
  /** Repetitions after so long without one begin a new event. */
  readonly seriesMs: number
  /** A series is written again so long after it was written last, at the earliest. */
  readonly refreshMs: number
}

/** One event, and how often it has happened. */
export interface Series {
  /** Of the Event object. */
  readonly name: string
  count: number
  lastSeenMs: number
  lastWrittenMs: number
  /** The count that was written. */
  writtenCount: number
}

export type Admission =
  | { readonly kind: 'first'; readonly series: Series }
  /** Seen before; `writeAtMs`: when its count is to be written, undefined when that is planned already. */
  | { readonly kind: 'repeated'; readonly series: Series; readonly writeAtMs: number | undefined }
  | { readonly kind: 'dropped' }

/** Decides which events are worth a write; pure, told the time. */
export class EventSeries {
  readonly #options: EventSeriesOptions
  readonly #series = new Map<string, Series>()
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(options: EventSeriesOptions) {
    this.#options = options
  }

  /** `about`: uid of the object. `what`: all that makes two events the same. `nameOf`: of a new Event object. */
  admit(about: string, what: string, nowMs: number, nameOf: () => string): Admission {
    const key = `${about}\n${what}`
    const before = this.#series.get(key)
    if (before && nowMs - before.lastSeenMs <= this.#options.seriesMs) {
      touch(this.#series, key, before)
      const planned = before.count > before.writtenCount
      before.count += 1
      before.lastSeenMs = nowMs
      const writeAtMs = planned ? undefined : Math.max(nowMs, before.lastWrittenMs + this.#options.refreshMs)
      return { kind: 'repeated', series: before, writeAtMs }
    }
    const bucket = this.#buckets.get(about) ?? new TokenBucket(spamFilter)
    touch(this.#buckets, about, bucket)
    if (bucket.tryTake(nowMs) > 0) return { kind: 'dropped' }
    const series: Series = { name: nameOf(), count: 1, lastSeenMs: nowMs, lastWrittenMs: nowMs, writtenCount: 1 }
    touch(this.#series, key, series)
    return { kind: 'first', series }
  }
}

/** Makes it the most recently used, and forgets the least. */
function touch<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= remembered) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
