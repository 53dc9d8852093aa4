import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { collectDefaultMetrics, Registry } from 'prom-client'
import {
  type ApiClient,
  type Clock,
  type Controller,
  EventRecorder,
  type Fence,
  type Informer,
  KitMetrics,
  LeaderElection,
  type Logger,
  openApiClient,
} from '../controller/index.ts'
import { clusterOf } from './cluster-of.ts'
import type { ControllerFactory } from './controllers.ts'
import { build, registerBuildInfo } from './metrics/build-info.ts'
import { PrometheusSandboxMetrics } from './metrics/prometheus-sandbox-metrics.ts'
import { coreCaches, extensionCaches } from './open-caches.ts'
import type { Caches, CoreCaches, OperatorContext, Recorders } from './operator-context.ts'
import type { OperatorOptions } from './operator-options.ts'
import { serveHealth } from './serving/serve-health.ts'
import { serveMetrics } from './serving/serve-metrics.ts'

/** Where one leader is elected. Fixed by the API: an operator of its own and this one must not both lead. */
export const leaseName = 'a3317529.agent-sandbox.x-k8s.io'
/** Whose the fields are that the operator writes. */
const fieldManager = 'agent-sandbox-controller'
/** For passes under way at a hand-over: with the cut-off and the release of the lease it stays below a Pod's usual 30 s. */
const graceMs = 8_000
/** The event loop's delay is measured so often: often costs CPU while nothing happens. */
const eventLoopPrecisionMs = 100

export interface OperatorProcess {
  readonly options: OperatorOptions
  readonly controllers: {
    readonly core: readonly ControllerFactory<CoreCaches>[]
    readonly extensions: readonly ControllerFactory<Caches>[]
  }
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly log: Logger
}

/**
 * The operator: fills its caches, waits to be elected, and runs the controllers for one term. Returns when `stop` has aborted and everything is
 * handed over; fails when it cannot start, `leadership_lost` when the term ended against its will, or with what a controller failed with. After any of
 * these the process has to end: a new one starts from a clean state.
 */
export async function runOperator(operator: OperatorProcess, stop: AbortSignal): Promise<void> {
  const { options, env, clock, log } = operator
  await using undo = new AsyncDisposableStack()
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: eventLoopPrecisionMs })
  registerBuildInfo(registry)
  const kit = new KitMetrics(registry)
  const access = await clusterOf({ kubeconfig: options.kubeconfig, env, clock })
  const { client } = undo.use(
    openApiClient({
      access,
      clock,
      rate: options.rate,
      inFlight: options.inFlight,
      userAgent: `bulkhead-operator/${build.version}`,
      metrics: kit.client(access.server.host),
      defaults: { fieldManager },
    })
  )
  const namespace = env.POD_NAMESPACE || access.namespace
  const core = coreCaches({ client, clock, log, metrics: kit })
  const extensions = options.extensions ? extensionCaches({ client, clock, log, metrics: kit }) : undefined
  const informers = new Map<string, Informer<never, never>>(Object.entries({ ...core, ...extensions }) as never)
  const leading = { now: false }
  const metrics = new PrometheusSandboxMetrics({
    registry,
    sandboxes: () => (leading.now ? core.sandboxes.store.list() : []),
  })
  await serve()
  for (const informer of informers.values()) undo.use(informer).start()
  const startedMs = clock.now()
  Promise.all([...informers.values()].map(({ synced }) => synced)).then(
    () => log.info({ durationMs: Math.round(clock.now() - startedMs) }, 'operator.synced'),
    () => {}
  )
  if (options.leaderElect) await election().run(stop, (term) => lead(client.with({ fence: term }), term))
  else await lead(client)

  async function serve(): Promise<void> {
    const { metricsAddress, healthAddress, profiles } = options
    const waitsFor = () => [...informers].flatMap(([name, { hasSynced }]) => (hasSynced ? [] : [name]))
    if (healthAddress) undo.use(await serveHealth({ address: healthAddress, waitsFor, log }))
    if (metricsAddress) undo.use(await serveMetrics({ address: metricsAddress, registry, profiles, clock, log }))
  }

  function election(): LeaderElection {
    return new LeaderElection({
      client,
      clock,
      namespace: options.leaderElectionNamespace ?? namespace,
      name: leaseName,
      identity: `${instanceOf(env)}_${randomUUID()}`,
      log,
      metrics: kit.leader(leaseName),
    })
  }

  /** One term. Everything in it is new, and writes only while the term holds. */
  async function lead(bound: ApiClient, term?: Fence): Promise<void> {
    await using recorders = openRecorders(bound)
    const context: OperatorContext<CoreCaches> = {
      client: bound,
      clock,
      log,
      caches: core,
      recorders: recorders.all,
      metrics,
      settings: Object.freeze({ ...options.settings, namespace }),
      controllerOptions: (name) => ({
        name,
        clock,
        log,
        graceMs,
        metrics: kit.controller(name),
        queueMetrics: kit.queue(name),
      }),
    }
    const controllers = operator.controllers.core.map((make) => make(context))
    if (extensions) {
      const known: OperatorContext = { ...context, caches: { ...core, ...extensions } }
      controllers.push(...operator.controllers.extensions.map((make) => make(known)))
    }
    leading.now = true
    try {
      await runAll(controllers, stop, term)
    } finally {
      leading.now = false
    }
  }

  function openRecorders(bound: ApiClient): { readonly all: Recorders } & AsyncDisposable {
    const recorders = new AsyncDisposableStack()
    const recorder = (reportingController: string) =>
      recorders.use(
        new EventRecorder({
          client: bound,
          clock,
          reportingController,
          reportingInstance: instanceOf(env),
          log,
          metrics: events,
        })
      )
    const events = kit.events()
    const all = {
      sandbox: recorder('sandbox-controller'),
      claim: recorder('sandboxclaim-controller'),
      pool: recorder('sandboxwarmpool-controller'),
      template: recorder('sandboxtemplate-controller'),
    }
    return { all, [Symbol.asyncDispose]: () => recorders.disposeAsync() }
  }
}

/** Until `stop` aborts or the term is over, or one of them fails: then the others end, too, and its failure is the outcome. */
async function runAll(controllers: readonly Controller[], stop: AbortSignal, term: Fence | undefined): Promise<void> {
  const failing = new AbortController()
  const over = AbortSignal.any([stop, failing.signal, ...(term ? [term.signal] : [])])
  const running = controllers.map((controller) =>
    controller.run(AbortSignal.any([stop, failing.signal]), term).catch((error) => {
      failing.abort(error)
      throw error
    })
  )
  const outcomes = await Promise.allSettled([...running, aborted(over)])
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** The Pod's name, where it is told; else the host's, which in a Pod is the same. */
const instanceOf = (env: OperatorProcess['env']): string => env.POD_NAME || hostname()
