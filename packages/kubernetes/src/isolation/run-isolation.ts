import {
  type Fence,
  Informer,
  type InformerMetrics,
  type KubernetesObject,
  type Logger,
  type ResourceType,
  resourceLabel,
  sleep,
  withoutManagedFields,
} from '../controller/index.ts'
import {
  type AdmissionObject,
  mutatingBindings,
  mutatingPolicies,
  validatingBindings,
  validatingPolicies,
} from './admission-resources.ts'
import { type AdmissionSupport, admissionSupport } from './admission-support.ts'
import type { AdmissionCaches } from './compiled-keeper.ts'
import type { CompiledKind } from './compiled-object.ts'
import { type IsolationControllerOptions, isolationController } from './isolation-controller.ts'

export interface IsolationOptions extends Omit<IsolationControllerOptions, 'support' | 'admission'> {
  readonly log: Logger
  /** Of an informer of this name. */
  readonly informerMetrics: (name: string) => InformerMetrics
}

const askAgainMs = 1_000

/**
 * Keeps IsolationPolicies for one term. What the API server serves of admission policies is asked once, at its beginning. Returns when `stop` has aborted or
 * the term is over, and nothing runs any more.
 */
export async function runIsolation(options: IsolationOptions, stop: AbortSignal, term?: Fence): Promise<void> {
  const over = AbortSignal.any([stop, ...(term ? [term.signal] : [])])
  const support = await untilAnswered(options, over)
  if (!support) return
  await using undo = new AsyncDisposableStack()
  const informer = <T extends KubernetesObject>(type: ResourceType<T>): Informer<T> => {
    const { client, clock, log, informerMetrics } = options
    const metrics = informerMetrics(resourceLabel(type))
    const made = undo.use(new Informer<T>({ client, clock, log, type, metrics, transform: withoutManagedFields }))
    made.start()
    return made
  }
  const admission: AdmissionCaches = new Map(
    admissionTypes(support).map((type) => [type.kind as CompiledKind, informer(type)])
  )
  await isolationController({ ...options, support, admission }).run(stop, term)
}

function admissionTypes({ validating, mutating }: AdmissionSupport): ResourceType<AdmissionObject>[] {
  const types = [
    ...(validating ? [validatingPolicies, validatingBindings] : []),
    ...(mutating ? [mutatingPolicies(mutating), mutatingBindings(mutating)] : []),
  ]
  return types as readonly ResourceType[] as ResourceType<AdmissionObject>[]
}

/** Undefined: it is over. */
async function untilAnswered(
  { client, clock, log }: IsolationOptions,
  over: AbortSignal
): Promise<AdmissionSupport | undefined> {
  while (!over.aborted) {
    try {
      const support = await admissionSupport(client, over)
      log.info({ ...support }, 'isolation.supported')
      return support
    } catch (err) {
      if (over.aborted) return undefined
      log.warn({ err }, 'isolation.support_unknown')
      await sleep(clock, askAgainMs, over).catch(() => {})
    }
  }
  return undefined
}
