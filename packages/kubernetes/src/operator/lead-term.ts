import {
  type ApiClient,
  type Clock,
  type Controller,
  EventRecorder,
  type Fence,
  type KitMetrics,
  type Logger,
} from '../controller/index.ts'
import { KernelEvidence } from '../evidence/kernel-evidence.ts'
import { witnessController } from '../evidence/witness-controller.ts'
import { aborted } from './aborted.ts'
import type { ControllerFactory } from './controllers.ts'
import type { Caches, CoreCaches, OperatorContext, OperatorSettings, Recorders } from './operator-context.ts'
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
}

/**
 * Runs the controllers for one term; without a term, there is no other replica. Everything is made for it, and writes only while it holds. Returns when
 * `stop` has aborted or the term is over, and nothing runs any more; fails with what a controller failed with.
 */
export async function leadTerm(options: TermOptions, term: Fence | undefined, stop: AbortSignal): Promise<void> {
  const { clock, log, kit, metrics, settings, core, extensions } = options
  const client = options.client.with({ fence: term })
  await using recorders = new AsyncDisposableStack()
  const { witnesses, pods } = core.caches
  using evidence = witnesses && new KernelEvidence({ witnesses, pods, clock })
  const context: OperatorContext<CoreCaches> = {
    client,
    clock,
    log,
    caches: core.caches,
    ...(evidence && { evidence }),
    recorders: makeRecorders({ ...options, client }, recorders),
    metrics,
    settings,
    controllerOptions: (name) => ({
      name,
      clock,
      log,
      graceMs,
      metrics: kit.controller(name),
      queueMetrics: kit.queue(name),
    }),
  }
  const controllers = core.controllers.map((make) => make(context))
  if (evidence) controllers.push(witnessController(context, evidence))
  if (extensions) {
    const known: OperatorContext = { ...context, caches: { ...core.caches, ...extensions.caches } }
    controllers.push(...extensions.controllers.map((make) => make(known)))
  }
  await runAll(controllers, stop, term)
}

function makeRecorders({ client, clock, log, kit, instance }: TermOptions, undo: AsyncDisposableStack): Recorders {
  const metrics = kit.events()
  const recorder = (reportingController: string) =>
    undo.use(new EventRecorder({ client, clock, log, metrics, reportingController, reportingInstance: instance }))
  return {
    sandbox: recorder('sandbox-controller'),
    claim: recorder('sandboxclaim-controller'),
    pool: recorder('sandboxwarmpool-controller'),
    template: recorder('sandboxtemplate-controller'),
  }
}

/** Until `stop` aborts or the term is over, or one of them fails: then the others end, too, and its failure is the outcome. */
async function runAll(controllers: readonly Controller[], stop: AbortSignal, term: Fence | undefined): Promise<void> {
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
