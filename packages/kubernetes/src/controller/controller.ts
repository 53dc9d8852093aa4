import type { Change, ChangeHandler } from './cache/informer.ts'
import { isConflict } from './client/api-error.ts'
import type { KubernetesObject } from './client/kubernetes-object.ts'
import { linkSignals } from './client/linked-signal.ts'
import { type Clock, sleep } from './clock.ts'
import type { Fence } from './fence.ts'
import { type Logger, silentLogger } from './logger.ts'
import type { Lane } from './queue/lanes.ts'
import { WorkQueue, type WorkQueueOptions } from './queue/work-queue.ts'
import { type Reconcile, type ReconcileResult, TerminalError } from './reconcile.ts'
import type { ControllerMetrics, ReconcileOutcome } from './telemetry/controller-metrics.ts'
import { traced } from './telemetry/tracing.ts'

/** A key to be looked at; a text alone goes into the lane its work under way was taken from, or else into `normal`. */
export type Wanted = string | { readonly key: string; readonly lane: Lane }

/** Which keys a change concerns. Gets the old object, too: an owner that was left has to know. */
export type MapChange<T extends KubernetesObject> = (change: Change<T>) => Iterable<Wanted>

/** The part of an informer that a controller needs. */
export interface ChangeSource<T extends KubernetesObject> {
  readonly synced: Promise<void>
  onChange(handler: ChangeHandler<T>): Disposable
}

export interface ControllerOptions extends Omit<WorkQueueOptions, 'metrics'> {
  readonly name: string
  readonly reconcile: Reconcile
  /** Passes at once, each of another key. Default 1. */
  readonly workers?: number
  /** For one pass. Default 2 minutes. */
  readonly deadlineMs?: number
  /** For the passes under way when it is told to stop. Default 10 s. */
  readonly graceMs?: number
  readonly log?: Logger
  readonly metrics?: ControllerMetrics
  readonly queueMetrics?: WorkQueueOptions['metrics']
}

/**
 * Turns what informers tell into keys, and reconciles the keys, several at a time. It collects keys as soon as it watches, also while another replica
 * leads, and works on them during {@link run}; it runs once.
 */
export class Controller implements AsyncDisposable {
  readonly name: string
  /** For keys that come from elsewhere than an informer. */
  readonly queue: WorkQueue
  readonly #options: ControllerOptions
  readonly #clock: Clock
  readonly #log: Logger
  readonly #sources: Promise<void>[] = []
  readonly #undo = new DisposableStack()
  readonly #underWay = new Set<string>()

  constructor(options: ControllerOptions) {
    const { name, clock, backoff, retryRate, queueMetrics } = options
    this.name = name
    this.queue = new WorkQueue({
      clock,
      ...(backoff && { backoff }),
      ...(retryRate && { retryRate }),
      ...(queueMetrics && { metrics: queueMetrics }),
    })
    this.#options = options
    this.#clock = options.clock
    this.#log = options.log ?? silentLogger
  }

  /** From now on, what `map` makes of each change of `source` is reconciled. {@link run} begins when all sources are synced. */
  watch<T extends KubernetesObject>(source: ChangeSource<T>, map: MapChange<T>): this {
    this.#sources.push(source.synced)
    this.#undo.use(
      source.onChange((change) => {
        for (const wanted of map(change)) {
          if (typeof wanted === 'string') this.queue.add(wanted)
          else this.queue.add(wanted.key, wanted.lane)
        }
      })
    )
    return this
  }

  /**
   * Works until `signal` aborts; then hands over: no more keys are taken, passes under way may finish within the grace, and are cut off after it. When
   * the fence is lost they are cut off at once. Returns when nothing of it runs any more, or when a pass ignored its signal for another grace.
   */
  async run(signal: AbortSignal, fence?: Fence): Promise<void> {
    const { graceMs = 10_000, workers = 1 } = this.#options
    using stopping = linkSignals([signal, fence?.signal])
    const cutOff = new AbortController()
    try {
      await untilAborted(stopping.signal, Promise.all(this.#sources))
      if (!stopping.signal.aborted) {
        this.#log.info({ controller: this.name, workers }, 'controller.started')
        const working = Promise.all(Array.from({ length: workers }, () => this.#work(cutOff.signal)))
        await untilAborted(stopping.signal, working)
      }
    } finally {
      this.#undo.dispose()
      const idle = this.queue.stop()
      if (!fence?.signal.aborted) await this.#within(graceMs, idle, fence?.signal)
      cutOff.abort(fence?.signal.aborted ? fence.signal.reason : new Error('the time for handing over is over'))
      await this.#within(graceMs, idle)
      this.#log.info({ controller: this.name, abandoned: [...this.#underWay] }, 'controller.stopped')
    }
  }

  /** Watches no more. For a controller that was never run. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#undo.dispose()
    await this.queue.stop()
  }

  async #work(cutOff: AbortSignal): Promise<void> {
    for (let key = await this.queue.take(); key !== undefined; key = await this.queue.take()) {
      this.#underWay.add(key)
      try {
        await this.#pass(key, cutOff)
      } finally {
        this.#underWay.delete(key)
        this.queue.done(key)
      }
    }
  }

  async #pass(key: string, cutOff: AbortSignal): Promise<void> {
    const { reconcile, deadlineMs = 120_000, metrics } = this.#options
    const began = this.#clock.now()
    metrics?.started()
    using link = linkSignals([cutOff], { clock: this.#clock, ms: deadlineMs })
    let outcome: ReconcileOutcome
    try {
      const attributes = { 'bulkhead.controller': this.name, 'bulkhead.key': key }
      const result = await traced('reconcile', 'internal', attributes, async () => reconcile(key, link.signal))
      outcome = this.#succeeded(key, result)
    } catch (error) {
      outcome = this.#failed(key, error, cutOff.aborted)
    }
    const tookMs = this.#clock.now() - began
    metrics?.ended(outcome, tookMs)
    this.#log.debug({ controller: this.name, key, outcome, durationMs: Math.round(tookMs * 10) / 10 }, 'reconcile')
  }

  #succeeded(key: string, result: ReconcileResult): ReconcileOutcome {
    this.queue.forget(key)
    if (result.kind === 'done') return 'success'
    this.queue.addAfter(key, result.afterMs, result.lane)
    return 'requeue_after'
  }

  #failed(key: string, err: unknown, cutOff: boolean): ReconcileOutcome {
    // The next leader finds the state as it is.
    if (cutOff) return 'cut_off'
    if (err instanceof TerminalError) {
      this.queue.forget(key)
      this.#log.error({ controller: this.name, key, err }, 'reconcile.terminal')
      return 'terminal_error'
    }
    this.queue.retry(key)
    // Somebody else was quicker: the ordinary course of things.
    const level = isConflict(err) ? 'debug' : 'warn'
    this.#log[level]({ controller: this.name, key, failures: this.queue.failures(key), err }, 'reconcile.failed')
    return 'error'
  }

  /** Resolves when `work` has, after `ms`, or when `signal` aborts. */
  async #within(ms: number, work: Promise<unknown>, signal?: AbortSignal): Promise<void> {
    const over = new AbortController()
    using link = linkSignals([over.signal, signal])
    await Promise.race([work, sleep(this.#clock, ms, link.signal).catch(() => {})])
    over.abort()
  }
}

/** Resolves when `signal` aborts, or rejects as `work` does before that. */
async function untilAborted(signal: AbortSignal, work: Promise<unknown>): Promise<void> {
  const aborted = Promise.withResolvers<void>()
  const onAbort = () => aborted.resolve()
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
