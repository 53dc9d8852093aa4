import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { lanes } from '../queue/lanes.ts'
import type { ClientMetrics } from './client-metrics.ts'
import type { ControllerMetrics } from './controller-metrics.ts'
import type { EventMetrics } from './event-metrics.ts'
import type { InformerMetrics } from './informer-metrics.ts'
import type { LeaderMetrics } from './leader-metrics.ts'
import type { WorkQueueMetrics, WorkQueueState } from './work-queue-metrics.ts'

/** From 0.1 ms to 100 s. */
const queueBuckets = [0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 10, 30, 100]
/** client-go's `rest_client_request_duration_seconds`. */
const requestBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]

/**
 * The kit's metrics in one registry, under the names that Kubernetes' own components (client-go, controller-runtime) have, so that dashboards and
 * alerts made for those work. One of it per registry. What those have no name for begins with `bulkhead_`. Times in seconds.
 */
export class KitMetrics {
  readonly #registry: Registry
  readonly #queueStates = new Map<string, () => WorkQueueState>()
  readonly #informerSizes = new Map<string, () => number>()
  readonly #queue
  readonly #client
  readonly #informer
  readonly #controller
  readonly #leader
  readonly #events

  constructor(registry: Registry) {
    this.#registry = registry
    this.#queue = this.#makeQueue()
    this.#client = this.#makeClient()
    this.#informer = this.#makeInformer()
    this.#controller = this.#makeController()
    this.#leader = this.#gauge('leader_election_master_status', 'Whether this process is the leader (1) or not (0).', [
      'name',
    ])
    this.#events = this.#counter('bulkhead_events_recorded_total', 'Events for people, by what became of them.', [
      'outcome',
    ])
  }

  queue(name: string): WorkQueueMetrics {
    const { adds, depth, waited, worked, retries } = this.#queue
    const own = {
      adds: adds.labels(name),
      waited: waited.labels(name),
      worked: worked.labels(name),
      retries: retries.labels(name),
    }
    const depths = {
      urgent: depth.labels(name, 'urgent'),
      normal: depth.labels(name, 'normal'),
      background: depth.labels(name, 'background'),
    }
    for (const lane of lanes) depths[lane].set(0)
    return {
      added: () => own.adds.inc(),
      waits: (lane) => depths[lane].inc(),
      left: (lane) => depths[lane].dec(),
      started: (ms) => own.waited.observe(ms / 1000),
      finished: (ms) => own.worked.observe(ms / 1000),
      retried: () => own.retries.inc(),
      observe: (state) => void this.#queueStates.set(name, state),
    }
  }

  /** `host`: of the API server. */
  client(host: string): ClientMetrics {
    const { requests, durations, waits, retries } = this.#client
    const waited = waits.labels(host)
    return {
      requested: ({ method, code, tookMs }) => {
        requests.labels(code, method, host).inc()
        durations.labels(method, host).observe(tookMs / 1000)
      },
      waited: (ms) => waited.observe(ms / 1000),
      retried: ({ method, code }) => retries.labels(code, method, host).inc(),
    }
  }

  /** `resource`: plural and group. */
  informer(resource: string): InformerMetrics {
    const { changes, restarts, failures } = this.#informer
    const failed = failures.labels(resource)
    return {
      changed: (type) => changes.labels(resource, type).inc(),
      restarted: (what, reason) => restarts.labels(resource, what, reason).inc(),
      handlerFailed: () => failed.inc(),
      observe: (size) => void this.#informerSizes.set(resource, size),
    }
  }

  controller(name: string): ControllerMetrics {
    const { reconciles, errors, terminal, durations, active } = this.#controller
    const own = {
      errors: errors.labels(name),
      terminal: terminal.labels(name),
      duration: durations.labels(name),
      active: active.labels(name),
    }
    return {
      started: () => own.active.inc(),
      ended: (outcome, tookMs) => {
        own.active.dec()
        own.duration.observe(tookMs / 1000)
        // controller-runtime counts terminal errors among the errors.
        reconciles.labels(name, outcome === 'terminal_error' ? 'error' : outcome).inc()
        if (outcome === 'error' || outcome === 'terminal_error') own.errors.inc()
        if (outcome === 'terminal_error') own.terminal.inc()
      },
    }
  }

  /** `name`: of the lease. */
  leader(name: string): LeaderMetrics {
    const gauge = this.#leader.labels(name)
    gauge.set(0)
    return { leads: (leading) => gauge.set(leading ? 1 : 0) }
  }

  events(): EventMetrics {
    return { recorded: (outcome) => this.#events.labels(outcome).inc() }
  }

  #makeQueue() {
    const states = () => [...this.#queueStates].map(([name, state]) => [name, ages(state())] as const)
    this.#gauge(
      'workqueue_unfinished_work_seconds',
      'Time spent so far on work under way, summed up.',
      ['name'],
      (gauge) => {
        for (const [name, age] of states()) gauge.labels(name).set(age.reduce((sum, one) => sum + one, 0))
      }
    )
    this.#gauge(
      'workqueue_longest_running_processor_seconds',
      'Time spent so far on the oldest work under way.',
      ['name'],
      (gauge) => {
        for (const [name, age] of states()) gauge.labels(name).set(Math.max(0, ...age))
      }
    )
    return {
      adds: this.#counter('workqueue_adds_total', 'Keys added.', ['name']),
      depth: this.#gauge('workqueue_depth', 'Keys that wait for a worker, by lane.', ['name', 'lane']),
      waited: this.#histogram(
        'workqueue_queue_duration_seconds',
        'How long keys waited for a worker.',
        ['name'],
        queueBuckets
      ),
      worked: this.#histogram(
        'workqueue_work_duration_seconds',
        'How long the work on a key took.',
        ['name'],
        queueBuckets
      ),
      retries: this.#counter('workqueue_retries_total', 'Keys added again after a failure.', ['name']),
    }
  }

  #makeClient() {
    return {
      requests: this.#counter('rest_client_requests_total', 'Requests to the API server.', ['code', 'method', 'host']),
      durations: this.#histogram(
        'rest_client_request_duration_seconds',
        'From a request to the head of its answer.',
        ['verb', 'host'],
        requestBuckets
      ),
      waits: this.#histogram(
        'rest_client_rate_limiter_duration_seconds',
        'How long requests waited for their turn before they were sent.',
        ['host'],
        requestBuckets
      ),
      retries: this.#counter('rest_client_request_retries_total', 'Requests sent again.', ['code', 'verb', 'host']),
    }
  }

  #makeInformer() {
    this.#gauge('bulkhead_informer_objects', 'Objects known.', ['resource'], (gauge) => {
      for (const [resource, size] of this.#informerSizes) gauge.labels(resource).set(size())
    })
    return {
      changes: this.#counter('bulkhead_informer_changes_total', 'Changes told to handlers.', ['resource', 'type']),
      restarts: this.#counter('bulkhead_informer_restarts_total', 'Watches that ended, by what came next and why.', [
        'resource',
        'next',
        'reason',
      ]),
      failures: this.#counter('bulkhead_informer_handler_failures_total', 'Changes that a handler threw on.', [
        'resource',
      ]),
    }
  }

  #makeController() {
    return {
      reconciles: this.#counter('controller_runtime_reconcile_total', 'Passes, by their outcome.', [
        'controller',
        'result',
      ]),
      errors: this.#counter('controller_runtime_reconcile_errors_total', 'Passes that failed.', ['controller']),
      terminal: this.#counter('controller_runtime_terminal_reconcile_errors_total', 'Passes that failed for good.', [
        'controller',
      ]),
      durations: this.#histogram(
        'controller_runtime_reconcile_time_seconds',
        'How long a pass took.',
        ['controller'],
        queueBuckets
      ),
      active: this.#gauge('controller_runtime_active_workers', 'Passes under way.', ['controller']),
    }
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] })
  }

  #gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    collect?: (gauge: Gauge<Label>) => void
  ): Gauge<Label> {
    return new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      ...(collect && {
        collect() {
          collect(this)
        },
      }),
    })
  }

  #histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    buckets: number[]
  ): Histogram<Label> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.#registry] })
  }
}

const ages = ({ now, processingSinceMs }: WorkQueueState): number[] =>
  processingSinceMs.map((since) => (now - since) / 1000)
