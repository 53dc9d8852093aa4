import { type IsolationPolicy, isolationPolicies } from '../api/index.ts'
import {
  type ApiClient,
  type Clock,
  Controller,
  type ControllerOptions,
  done,
  type EventRecorder,
  type Informer,
  isForbidden,
  isInvalid,
  isNotFound,
  mergePatch,
  type ReconcileResult,
  type Stored,
  TerminalError,
} from '../controller/index.ts'
import { malformationOfIsolationPolicy } from '../malformation/index.ts'
import type { AdmissionSupport } from './admission-support.ts'
import { type Compiled, compileIsolationPolicy } from './compile-isolation-policy.ts'
import { type AdmissionCaches, CompiledKeeper } from './compiled-keeper.ts'
import { policyOfCompiled } from './compiled-object.ts'
import type { IsolationMetrics } from './isolation-metrics.ts'
import { type Outcome, planIsolationStatus, readyReason } from './isolation-status.ts'

export interface IsolationControllerOptions {
  /** Bound to the term's fence. */
  readonly client: ApiClient
  readonly clock: Clock
  readonly support: AdmissionSupport
  readonly policies: Informer<IsolationPolicy>
  readonly admission: AdmissionCaches
  readonly recorder: Pick<EventRecorder, 'record'>
  readonly metrics: IsolationMetrics
  readonly operatorNamespace: string
  /** Without what it does. */
  readonly controller: Omit<ControllerOptions, 'reconcile' | 'workers' | 'backoff'>
}

/** While something that enforces a policy is not as it must be, Pods come in: the default's longest would be a quarter of an hour. */
const backoff = { baseMs: 50, maxMs: 10_000 }

/**
 * Compiles IsolationPolicies into admission policies of the API server, and keeps these. They cannot protect themselves: objects of their group are exempt
 * from admission, so whoever may change them may weaken them, and this is what puts them back.
 */
export function isolationController(options: IsolationControllerOptions): Controller {
  const { client: anyLane, clock, support, policies, admission, operatorNamespace } = options
  const client = anyLane.with({ lane: 'urgent' })
  const keeper = new CompiledKeeper({ ...options, client, caches: admission })

  async function reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult> {
    const policy = policies.store.get(name)
    if (!policy || policy.metadata.deletionTimestamp) {
      await keeper.removeOthers(name, [], signal)
      return done
    }
    const compiled = compile(policy)
    if ('reason' in compiled) {
      await say(policy, compiled, signal)
      return done
    }
    try {
      await keeper.keep(policy, compiled, signal)
    } catch (error) {
      signal.throwIfAborted()
      // The one for a selector that is none, for instance; the other for permissions that the operator was not given.
      if (isInvalid(error) || isForbidden(error)) await say(policy, failed(readyReason.refused, error.message), signal)
      // What is invalid stays so until somebody changes the policy.
      throw isInvalid(error) ? new TerminalError(error.message, { cause: error }) : error
    }
    await say(policy, { kind: 'enforced', ...compiled }, signal)
    return done
  }

  function compile(policy: Stored<IsolationPolicy>): Compiled | Failed {
    if (!support.validating)
      return failed(
        readyReason.unsupported,
        'this API server has no ValidatingAdmissionPolicy (Kubernetes 1.30 and later have): nothing is enforced'
      )
    const wrong = malformationOfIsolationPolicy(policy)
    if (wrong) return failed(readyReason.invalidSpec, wrong)
    return compileIsolationPolicy(policy, { operatorNamespace, mutating: support.mutating !== undefined })
  }

  async function say(policy: Stored<IsolationPolicy>, outcome: Outcome, signal: AbortSignal): Promise<void> {
    const status = planIsolationStatus(policy, outcome, clock.wall())
    if (!status) return
    const { uid } = policy.metadata
    const patch = mergePatch({ metadata: { uid }, status })
    try {
      policies.store.wrote(
        await client.patch(isolationPolicies, policy.metadata, patch, { signal, subresource: 'status' })
      )
    } catch (error) {
      // The watch will tell.
      if (!isNotFound(error, policy.metadata.name)) throw error
    }
  }

  const controller = new Controller({ ...options.controller, backoff, reconcile })
  controller.watch(policies, ({ object }) => [object.metadata.name])
  for (const cache of admission.values())
    controller.watch(cache, ({ object }) => {
      const policy = policyOfCompiled(object.metadata.name)
      return policy === undefined ? [] : [{ key: policy, lane: 'urgent' }]
    })
  return controller
}

type Failed = Extract<Outcome, { kind: 'failed' }>
const failed = (reason: Failed['reason'], message: string): Failed => ({ kind: 'failed', reason, message })
