import type { ApiClient } from '../client/api-client.ts'
import { type Event, events } from '../client/core-resources.ts'
import type { Stored } from '../client/kubernetes-object.ts'
import { mergePatch } from '../client/patch.ts'
import type { Clock } from '../clock.ts'
import { microTime } from '../leader/lease-plan.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { TimerHeap } from '../queue/timer-heap.ts'
import type { EventMetrics } from '../telemetry/event-metrics.ts'
import { EventSeries, type Series } from './event-series.ts'

export interface EventRecorderOptions {
  readonly client: ApiClient
  readonly clock: Clock
  /** Who says it: `sandbox-controller`. */
  readonly reportingController: string
  /** Which of them: a Pod's name. */
  readonly reportingInstance: string
  /** Events that wait to be sent; beyond that they are dropped. Default 1,000. */
  readonly queueLimit?: number
  /** Default 6 minutes, as client-go's. */
  readonly seriesMs?: number
  /** Default 1 minute. */
  readonly refreshMs?: number
  /** How long the end waits for what is not sent yet. Default 2 s. */
  readonly flushMs?: number
  readonly log?: Logger
  readonly metrics?: EventMetrics
}

export interface RecordedEvent {
  readonly type: 'Normal' | 'Warning'
  /** Why, in one word: `SandboxAdopted`. */
  readonly reason: string
  /** What was done, in one word: `Adopt`. */
  readonly action: string
  /** For people. Cut at 1,024 bytes. */
  readonly note: string
  readonly related?: Stored
}

/** Limits of the API server's validation (pkg/apis/core/validation/events.go). */
const noteLimitBytes = 1024
const nameLimit = 253

/**
 * Tells people what happened to an object, as events.k8s.io/v1. What repeats is counted in one Event, what is too much about one object is dropped.
 * Recording never waits and never fails: events are sent one by one, behind everything else.
 */
export class EventRecorder implements AsyncDisposable {
  readonly #options: EventRecorderOptions
  readonly #client: ApiClient
  readonly #clock: Clock
  readonly #log: Logger
  readonly #series: EventSeries
  readonly #timers: TimerHeap
  readonly #queue: (() => Promise<void>)[] = []
  readonly #stop = new AbortController()
  #sending: Promise<void> | undefined
  #made = 0

  constructor(options: EventRecorderOptions) {
    const { client, clock, seriesMs = 360_000, refreshMs = 60_000 } = options
    this.#options = options
    this.#client = client.with({ lane: 'background' })
    this.#clock = clock
    this.#log = options.log ?? silentLogger
    this.#series = new EventSeries({ seriesMs, refreshMs })
    this.#timers = new TimerHeap(clock)
  }

  record(regarding: Stored, event: RecordedEvent): void {
    if (this.#stop.signal.aborted) return
    const { type, reason, action, note } = event
    const what = JSON.stringify([type, reason, action, note, event.related?.metadata.uid])
    const now = this.#clock.now()
    const admission = this.#series.admit(regarding.metadata.uid, what, now, () => this.#nameFor(regarding))
    if (admission.kind === 'dropped') this.#options.metrics?.recorded('dropped')
    else if (admission.kind === 'first') {
      const object = this.#eventObject(regarding, event, admission.series.name)
      this.#send(async (signal) => void (await this.#client.create(events, object, { signal })))
    } else {
      this.#options.metrics?.recorded('folded')
      const { series, writeAtMs } = admission
      if (writeAtMs !== undefined) this.#timers.at(writeAtMs, () => this.#send(() => this.#countOn(regarding, series)))
    }
  }

  /** Sends what waits, for a while; then nothing is sent any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#timers[Symbol.dispose]()
    const { flushMs = 2_000 } = this.#options
    const timer = this.#clock.startTimer(flushMs, () => this.#stop.abort(new Error('the event recorder has ended')))
    await this.#sending
    timer.clear()
    this.#stop.abort(new Error('the event recorder has ended'))
  }

  #send(job: (signal: AbortSignal) => Promise<void>): void {
    const { queueLimit = 1000, metrics } = this.#options
    if (this.#queue.length >= queueLimit) {
      metrics?.recorded('dropped')
      return
    }
    const { signal } = this.#stop
    this.#queue.push(async () => {
      try {
        signal.throwIfAborted()
        await job(signal)
        metrics?.recorded('sent')
      } catch (err) {
        // The namespace may be on its way out, or the API server: an event is never worth a second try by hand.
        metrics?.recorded('failed')
        this.#log.debug({ err }, 'event.failed')
      }
    })
    this.#sending ??= this.#sendAll()
  }

  async #sendAll(): Promise<void> {
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) await job()
    this.#sending = undefined
  }

  async #countOn(regarding: Stored, series: Series): Promise<void> {
    const { count } = series
    series.writtenCount = count
    series.lastWrittenMs = this.#clock.now()
    const name = { namespace: namespaceOf(regarding), name: series.name }
    const lastObservedTime = microTime(this.#clock.wall() - (this.#clock.now() - series.lastSeenMs))
    const patch = mergePatch({ series: { count, lastObservedTime } })
    await this.#client.patch(events, name, patch, { signal: this.#stop.signal })
  }

  #eventObject(regarding: Stored, { type, reason, action, note, related }: RecordedEvent, name: string): Event {
    const { reportingController, reportingInstance } = this.#options
    return {
      metadata: { namespace: namespaceOf(regarding), name },
      eventTime: microTime(this.#clock.wall()),
      reportingController,
      reportingInstance,
      type,
      reason,
      action,
      note: cutBytes(note, noteLimitBytes),
      regarding: referenceTo(regarding),
      ...(related && { related: referenceTo(related) }),
    }
  }

  /** As client-go's: the object's name and the time in hex; here with a count in place of the nanoseconds. */
  #nameFor({ metadata: { name } }: Stored): string {
    const suffix = (BigInt(Math.trunc(this.#clock.wall())) * 1_000_000n + BigInt(this.#made++ % 1_000_000)).toString(16)
    return `${name.slice(0, nameLimit - 1 - suffix.length)}.${suffix}`
  }
}

/** Events about objects of cluster scope are kept in this one. */
const namespaceOf = (object: Stored): string => object.metadata.namespace ?? 'default'

function referenceTo({ apiVersion, kind, metadata: { namespace, name, uid, resourceVersion } }: Stored) {
  return { apiVersion, kind, ...(namespace && { namespace }), name, uid, resourceVersion }
}

/** At most so many bytes of UTF-8, and no half character. */
function cutBytes(text: string, limit: number): string {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length <= limit) return text
  return `${new TextDecoder().decode(bytes.subarray(0, limit - 3)).replace(/\uFFFD+$/, '')}…`
}
