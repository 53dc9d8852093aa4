import type { Clock } from '../clock.ts'
import type { WorkQueueMetrics } from '../telemetry/work-queue-metrics.ts'
import { type BackoffOptions, exponentialMs } from './backoff.ts'
import { type Lane, LaneQueue, moreUrgent, type Ticket } from './lanes.ts'
import { TimerHeap } from './timer-heap.ts'
import { TokenBucket, type TokenBucketOptions } from './token-bucket.ts'

export interface WorkQueueOptions {
  readonly clock: Clock
  /** Between retries of one key. Default: 5 ms doubling up to 1,000 s, as client-go's DefaultControllerRateLimiter. */
  readonly backoff?: BackoffOptions
  /** Retries of all keys together. Default: 10 a second after a burst of 100, as client-go's. */
  readonly retryRate?: TokenBucketOptions
  readonly metrics?: WorkQueueMetrics
}

const defaultBackoff: BackoffOptions = { baseMs: 5, maxMs: 1_000_000 }
const defaultRetryRate: TokenBucketOptions = { perSecond: 10, burst: 100 }

interface Waiting {
  readonly ticket: Ticket<string>
  readonly sinceMs: number
}

interface Processing {
  readonly sinceMs: number
  /** It was taken from this one: where it goes back to by default. */
  readonly lane: Lane
  /** Set when the key was added while it is being worked on: it goes back into the queue, in this lane, when that has ended. */
  dirty?: { lane: Lane; readonly sinceMs: number }
}

interface Delayed {
  readonly at: number
  lane: Lane
  readonly entry: Disposable
}

/**
 * Keys that need work, each at most once, each worked on by one worker at a time. The rules are those of client-go's `workqueue`: a key added
 * while it waits is not added again; one added while it is worked on is worked on again afterwards; a delayed key keeps its earliest time.
 * On top of that there are lanes (see {@link Lane}): a waiting key that is added again as more urgent moves up. Without a lane, a key that is worked
 * on goes back to where it was taken from, any other into `normal`.
 *
 * The queue holds keys only. What happened to the object is read from the cache when its turn comes.
 */
export class WorkQueue implements AsyncDisposable {
  readonly #clock: Clock
  readonly #backoff: BackoffOptions
  readonly #retryRate: TokenBucket
  readonly #metrics: WorkQueueMetrics | undefined
  readonly #timers: TimerHeap
  readonly #order = new LaneQueue<string>()
  readonly #waiting = new Map<string, Waiting>()
  readonly #processing = new Map<string, Processing>()
  readonly #delayed = new Map<string, Delayed>()
  readonly #failures = new Map<string, number>()
  /** Workers with nothing to do, longest idle first. */
  readonly #idle = new Set<(key: string | undefined) => void>()
  #stopped = false
  #drained: PromiseWithResolvers<void> | undefined

  constructor({ clock, backoff = defaultBackoff, retryRate = defaultRetryRate, metrics }: WorkQueueOptions) {
    this.#clock = clock
    this.#backoff = backoff
    this.#retryRate = new TokenBucket(retryRate)
    this.#metrics = metrics
    this.#timers = new TimerHeap(clock)
    metrics?.observe(() => ({
      now: this.#clock.now(),
      processingSinceMs: [...this.#processing.values()].map((entry) => entry.sinceMs),
    }))
  }

  /** How many keys wait for a worker; those that wait for a time are not counted. */
  get depth(): number {
    return this.#order.size
  }

  add(key: string, lane: Lane = this.#laneOf(key)): void {
    if (this.#stopped) return
    const processing = this.#processing.get(key)
    if (processing) {
      if (processing.dirty) processing.dirty.lane = moreUrgent(processing.dirty.lane, lane)
      else {
        processing.dirty = { lane, sinceMs: this.#clock.now() }
        this.#metrics?.added()
      }
      return
    }
    const waiting = this.#waiting.get(key)
    if (!waiting) {
      this.#metrics?.added()
      this.#enqueue(key, lane, this.#clock.now())
    } else if (moreUrgent(waiting.ticket.lane, lane) !== waiting.ticket.lane) {
      this.#order.remove(waiting.ticket)
      this.#metrics?.left(waiting.ticket.lane)
      this.#enqueue(key, lane, waiting.sinceMs)
    }
  }

  /** Adds the key in `ms`. Of several delays the one that ends first counts; an {@link add} in between does not take it back. */
  addAfter(key: string, ms: number, lane: Lane = this.#laneOf(key)): void {
    if (ms <= 0) this.add(key, lane)
    else if (!this.#stopped) this.#delay(key, ms, lane)
  }

  /** Adds the key after its back-off, which grows until {@link forget}, and not before the rate of all retries allows. */
  retry(key: string, lane: Lane = this.#laneOf(key)): void {
    if (this.#stopped) return
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    this.#metrics?.retried()
    const ownMs = exponentialMs(this.#backoff, failures)
    this.addAfter(key, Math.max(ownMs, this.#retryRate.reserve(this.#clock.now())), lane)
  }

  /** The key's work went well: its next back-off starts from the beginning. */
  forget(key: string): void {
    this.#failures.delete(key)
  }

  /** How many {@link retry} calls since the last {@link forget}. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  /**
   * The next key, as soon as there is one; {@link done} must follow. Undefined when the queue has been stopped, or `signal` aborted.
   */
  take(signal?: AbortSignal): Promise<string | undefined> {
    if (this.#stopped || signal?.aborted) return Promise.resolve(undefined)
    const key = this.#dequeue()
    if (key !== undefined) return Promise.resolve(key)
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const settle = (taken: string | undefined) => {
      this.#idle.delete(settle)
      signal?.removeEventListener('abort', onAbort)
      resolve(taken)
    }
    const onAbort = () => settle(undefined)
    this.#idle.add(settle)
    signal?.addEventListener('abort', onAbort, { once: true })
    return promise
  }

  /** The work on a key that was taken has ended, well or not. */
  done(key: string): void {
    const processing = this.#processing.get(key)
    if (!processing) return
    this.#processing.delete(key)
    this.#metrics?.finished(this.#clock.now() - processing.sinceMs)
    if (processing.dirty && !this.#stopped) this.#enqueue(key, processing.dirty.lane, processing.dirty.sinceMs)
    if (this.#processing.size === 0) this.#drained?.resolve()
  }

  /**
   * Gives out no more keys and takes none in; what waits is dropped, because whoever works next lists the world anew. Resolves when the work
   * under way has ended.
   */
  async stop(): Promise<void> {
    if (!this.#stopped) {
      this.#stopped = true
      this.#timers[Symbol.dispose]()
      this.#delayed.clear()
      for (const { ticket } of this.#waiting.values()) {
        this.#order.remove(ticket)
        this.#metrics?.left(ticket.lane)
      }
      this.#waiting.clear()
      for (const settle of [...this.#idle]) settle(undefined)
    }
    if (this.#processing.size === 0) return
    this.#drained ??= Promise.withResolvers()
    await this.#drained.promise
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #laneOf(key: string): Lane {
    return this.#processing.get(key)?.lane ?? 'normal'
  }

  #delay(key: string, ms: number, lane: Lane): void {
    const at = this.#clock.now() + ms
    const before = this.#delayed.get(key)
    if (before && before.at <= at) {
      before.lane = moreUrgent(before.lane, lane)
      return
    }
    before?.entry[Symbol.dispose]()
    const entry = this.#timers.at(at, () => {
      const due = this.#delayed.get(key)
      this.#delayed.delete(key)
      this.add(key, due?.lane ?? lane)
    })
    this.#delayed.set(key, { at, lane: before ? moreUrgent(before.lane, lane) : lane, entry })
  }

  #enqueue(key: string, lane: Lane, sinceMs: number): void {
    this.#waiting.set(key, { ticket: this.#order.push(key, lane), sinceMs })
    this.#metrics?.waits(lane)
    const [worker] = this.#idle
    if (worker) worker(this.#dequeue())
  }

  #dequeue(): string | undefined {
    const ticket = this.#order.shift()
    if (!ticket) return undefined
    const key = ticket.item
    const now = this.#clock.now()
    const sinceMs = this.#waiting.get(key)?.sinceMs ?? now
    this.#waiting.delete(key)
    this.#processing.set(key, { sinceMs: now, lane: ticket.lane })
    this.#metrics?.left(ticket.lane)
    this.#metrics?.started(now - sinceMs)
    return key
  }
}
