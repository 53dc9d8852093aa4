import {
  type ApiClient,
  type Clock,
  EventRecorder,
  type Fence,
  type KitMetrics,
  type Logger,
} from '../controller/index.ts'
import { KernelEvidence } from '../evidence/kernel-evidence.ts'
import { witnessController } from '../evidence/witness-controller.ts'
import { type IsolationMetrics, runIsolation } from '../isolation/index.ts'
import { aborted } from './aborted.ts'
import type { ControllerFactory } from './controllers.ts'
import type { Caches, CoreCaches, OperatorContext, OperatorSettings, Recorders } from './operator-context.ts'
import { type IsolationCaches, placementPlanner } from './plan-placement.ts'
import type { SandboxMetrics } from './sandbox-metrics.ts'

/** For passes under way at a hand-over: with the cut-off and the release of the lease it stays below a Pod's usual 30 s. */
const graceMs = 8_000

export interface TermOptions {
  /** Not bound to a term yet. */
  readonly client: ApiClient
  readonly clock: Clock
  readonly log: Logger
  readonly kit: KitMetrics
  readonly metrics: SandboxMetrics
  readonly settings: OperatorSettings
  /** Which of the replicas this is, in events. */
  readonly instance: string
  readonly core: { readonly caches: CoreCaches; readonly controllers: readonly ControllerFactory<CoreCaches>[] }
  /** Undefined: they are not served. */
  readonly extensions:
    | { readonly caches: Omit<Caches, keyof CoreCaches>; readonly controllers: readonly ControllerFactory<Caches>[] }
    | undefined
  /** Undefined: IsolationPolicies are not kept. */
  readonly isolation: { readonly caches: IsolationCaches; readonly metrics: IsolationMetrics } | undefined
}

/** What runs during a term. */
interface Running {
  run(stop: AbortSignal, term: Fence | undefined): Promise<void>
}

/**
 * Runs the controllers for one term; without a term, there is no other replica. Everything is made for it, and writes only while it holds. Returns when
 * `stop` has aborted or the term is over, and nothing runs any more; fails with what a controller failed with.
 */
export async function leadTerm(options: TermOptions, term: Fence | undefined, stop: AbortSignal): Promise<void> {
  const { clock, log, kit, metrics, settings, core, extensions, isolation } = options
  const client = options.client.with({ fence: term })
  await using recorders = new AsyncDisposableStack()
  const controllerOptions: OperatorContext['controllerOptions'] = (name) => ({
    name,
    clock,
    log,
    graceMs,
    metrics: kit.controller(name),
    queueMetrics: kit.queue(name),
  })
  const recorder = recorderMaker({ ...options, client }, recorders)
  const { witnesses, pods } = core.caches
  using evidence = witnesses && new KernelEvidence({ witnesses, pods, clock })
  using planner = isolation && placementPlanner(isolation.caches, pods, settings.namespace)
  const context: OperatorContext<CoreCaches> = {
    client,
    clock,
    log,
    caches: core.caches,
    ...(evidence && { evidence }),
    recorders: makeRecorders(recorder),
    metrics,
    settings,
    ...(planner && { planPlacement: (placing) => planner.plan(placing) }),
    controllerOptions,
  }
  const controllers: Running[] = core.controllers.map((make) => make(context))
  if (evidence) controllers.push(witnessController(context, evidence))
  if (extensions) {
    const known: OperatorContext = { ...context, caches: { ...core.caches, ...extensions.caches } }
    controllers.push(...extensions.controllers.map((make) => make(known)))
  }
  if (isolation) {
    const isolationOptions = {
      client,
      clock,
      log,
      recorder: recorder('isolationpolicy-controller'),
      policies: isolation.caches.policies,
      metrics: isolation.metrics,
      informerMetrics: (name: string) => kit.informer(name),
      operatorNamespace: settings.namespace,
      controller: controllerOptions('isolationpolicy'),
    }
    controllers.push({ run: (over, fence) => runIsolation(isolationOptions, over, fence) })
  }
  await runAll(controllers, stop, term)
}

type RecorderMaker = (reportingController: string) => EventRecorder

function recorderMaker({ client, clock, log, kit, instance }: TermOptions, undo: AsyncDisposableStack): RecorderMaker {
  const metrics = kit.events()
  return (reportingController) =>
    undo.use(new EventRecorder({ client, clock, log, metrics, reportingController, reportingInstance: instance }))
}

const makeRecorders = (recorder: RecorderMaker): Recorders => ({
  sandbox: recorder('sandbox-controller'),
  claim: recorder('sandboxclaim-controller'),
  pool: recorder('sandboxwarmpool-controller'),
  template: recorder('sandboxtemplate-controller'),
})

/** Until `stop` aborts or the term is over, or one of them fails: then the others end, too, and its failure is the outcome. */
async function runAll(controllers: readonly Running[], stop: AbortSignal, term: Fence | undefined): Promise<void> {
  const failing = new AbortController()
  const over = AbortSignal.any([stop, failing.signal, ...(term ? [term.signal] : [])])
  const running = controllers.map((controller) =>
    controller.run(over, term).catch((error) => {
      failing.abort(error)
      throw error
    })
  )
  const outcomes = await Promise.allSettled([...running, aborted(over)])
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
