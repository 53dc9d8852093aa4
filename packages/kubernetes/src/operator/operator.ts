import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { type Clock, type Fence, KitMetrics, LeaderElection, type Logger, openApiClient } from '../controller/index.ts'
import { aborted } from './aborted.ts'
import { clusterOf } from './cluster-of.ts'
import type { ControllerFactory } from './controllers.ts'
import { leadTerm } from './lead-term.ts'
import { build, registerBuildInfo } from './metrics/build-info.ts'
import { PrometheusIsolationMetrics } from './metrics/prometheus-isolation-metrics.ts'
import { PrometheusSandboxMetrics } from './metrics/prometheus-sandbox-metrics.ts'
import { coreCaches, extensionCaches, isolationCaches } from './open-caches.ts'
import type { Caches, CoreCaches } from './operator-context.ts'
import type { OperatorOptions } from './operator-options.ts'
import { serveHealth } from './serving/serve-health.ts'
import { serveMetrics } from './serving/serve-metrics.ts'

/** Where one leader is elected. Fixed by the API: its own controller and this operator must not both lead. */
const leaseName = 'a3317529.agent-sandbox.x-k8s.io'
/** Whose the fields are that the operator writes. */
const fieldManager = 'agent-sandbox-controller'
/** The event loop's delay is measured so often: more often costs CPU while nothing happens. */
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
  const { options, controllers, env, clock, log } = operator
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
  const core = coreCaches({ client, clock, log, metrics: kit, witness: options.witness })
  const extensions = options.extensions ? extensionCaches({ client, clock, log, metrics: kit }) : undefined
  const isolation = options.isolation
    ? {
        caches: isolationCaches({ client, clock, log, metrics: kit }),
        metrics: new PrometheusIsolationMetrics(registry),
      }
    : undefined
  const informers = Object.entries({ ...core, ...extensions, ...isolation?.caches })
  let leading = false
  const metrics = new PrometheusSandboxMetrics({
    registry,
    sandboxes: () => (leading ? core.sandboxes.store.list() : []),
  })

  const { healthAddress, metricsAddress, profiles } = options
  const waitsFor = () => informers.flatMap(([name, { hasSynced }]) => (hasSynced ? [] : [name]))
  if (healthAddress) undo.use(await serveHealth({ address: healthAddress, waitsFor, log }))
  if (metricsAddress) undo.use(await serveMetrics({ address: metricsAddress, registry, profiles, clock, log }))

  const beganMs = clock.now()
  for (const [, informer] of informers) undo.use(informer).start()
  const synced = Promise.all(informers.map(([, informer]) => informer.synced)).then(
    () => log.info({ durationMs: Math.round(clock.now() - beganMs) }, 'operator.synced'),
    // Stopped before: that is told elsewhere.
    () => {}
  )

  const namespace = env.POD_NAMESPACE || access.namespace
  // In a Pod the host's name is the Pod's.
  const instance = env.POD_NAME || hostname()
  const lead = async (term?: Fence) => {
    leading = true
    try {
      await leadTerm(
        {
          client,
          clock,
          log,
          kit,
          metrics,
          settings: Object.freeze({ ...options.settings, namespace }),
          instance,
          core: { caches: core, controllers: controllers.core },
          extensions: extensions && { caches: extensions, controllers: controllers.extensions },
          isolation,
        },
        term,
        stop
      )
    } finally {
      leading = false
    }
  }
  if (!options.leaderElect) return await lead()
  // One that cannot see the cluster would hold the lease, and do nothing with it.
  await Promise.race([synced, aborted(stop)])
  const election = new LeaderElection({
    client,
    clock,
    namespace: options.leaderElectionNamespace ?? namespace,
    name: leaseName,
    identity: `${instance}_${randomUUID()}`,
    log,
    metrics: kit.leader(leaseName),
  })
  await election.run(stop, lead)
}
