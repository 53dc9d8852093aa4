import {
  type Quarantine,
  type QuarantineStatus,
  quarantineLabel,
  quarantines,
  type Sandbox,
  sandboxes,
} from '../api/index.ts'
import {
  Controller,
  done,
  Informer,
  isAlreadyExists,
  isConflict,
  isControlledBy,
  isNotFound,
  type KubernetesObject,
  keyOf,
  mergePatch,
  networkPolicies,
  type ObjectName,
  objectKey,
  type Pod,
  pods,
  type ReconcileResult,
  type ResourceType,
  requeueAfter,
  type Stored,
  toController,
  toSelf,
  withoutManagedFields,
} from '../controller/index.ts'
import type { OperatorContext } from '../operator/operator-context.ts'
import { allowing, policyNameOf, quarantineOf } from './network-policy.ts'
import { isOver, planConditions, type Replacement } from './plan-conditions.ts'
import { heldPod, type Observed, ownSandbox, planQuarantine, podNameOf, type Step } from './plan-quarantine.ts'

export interface QuarantineCaches {
  readonly quarantines: Informer<Quarantine>
  /** Those in quarantine. */
  readonly pods: Informer<Pod>
}

/** Not started yet. */
export function quarantineCaches({
  client,
  clock,
  log,
}: Pick<OperatorContext, 'client' | 'clock' | 'log'>): QuarantineCaches {
  const common = { client, clock, log }
  return {
    quarantines: new Informer<Quarantine>({ ...common, type: quarantines, transform: withoutManagedFields }),
    pods: new Informer<Pod>({ ...common, type: pods, labelSelector: quarantineLabel, transform: withoutManagedFields }),
  }
}

const backoff = { baseMs: 10, maxMs: 30_000 }
/** Something else has changed what was to be changed. */
const overtakenMs = 50
/** Nobody tells when the kubelet of a lost node comes back, or what a NetworkPolicy of others allows is not among what is watched. */
const lookAgainMs = 30_000
/** Steps of one pass: more than any course of events has. */
const maxSteps = 12
/** What is in there is not owed a farewell; none at all would let the Pod's object go before its processes. */
const killWithinSeconds = 1

/** Keeps what is in quarantine there, and has it replaced. */
export function quarantineController(context: OperatorContext, caches: QuarantineCaches): Controller {
  const { client, clock } = context

  async function get<T extends KubernetesObject>(type: ResourceType<T>, name: ObjectName, signal: AbortSignal) {
    try {
      return await client.get(type, name, { signal, lane: 'urgent' })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async function observe(quarantine: Stored<Quarantine>, signal: AbortSignal): Promise<Observed> {
    const { namespace, uid } = quarantine.metadata
    const { status } = quarantine
    const sandbox = await get(sandboxes, { namespace, name: quarantine.spec.sandboxRef.name }, signal)
    const podName = status?.startedAt ? status.podName : sandbox && podNameOf(sandbox)
    const [pod, policy] = await Promise.all([
      podName ? get(pods, { namespace, name: podName }, signal) : undefined,
      get(networkPolicies, { namespace, name: policyNameOf(uid) }, signal),
    ])
    return { sandbox, pod, policy }
  }

  async function patchStatus(quarantine: Stored<Quarantine>, status: QuarantineStatus, signal: AbortSignal) {
    const { metadata } = quarantine
    const { uid, resourceVersion } = metadata
    const patch = mergePatch({ metadata: { uid, resourceVersion }, status })
    const written = await client.patch(quarantines, metadata, patch, { signal, lane: 'urgent', subresource: 'status' })
    caches.quarantines.store.wrote(written)
    return written
  }

  /** Carries out a step; the Quarantine as it is then. */
  async function apply(quarantine: Stored<Quarantine>, step: Step, signal: AbortSignal): Promise<Stored<Quarantine>> {
    const call = { signal, lane: 'urgent' } as const
    switch (step.kind) {
      case 'note': {
        const noted = await patchStatus(quarantine, step.status, signal)
        if (!quarantine.status?.startedAt) announce(noted)
        return noted
      }
      case 'cut':
        // One that is there already is looked at in the next step.
        await client.create(networkPolicies, step.policy, call).catch(unless(isAlreadyExists))
        return quarantine
      case 'mendCut':
        await client.patch(networkPolicies, step.policy.metadata, mergePatch(step.body), call)
        return quarantine
      case 'hold': {
        const held = await client.patch(pods, step.pod.metadata, mergePatch(step.body), call)
        caches.pods.store.wrote(held)
        // Its labels are gone, and with them its place in that cache.
        const known = context.caches.pods.store.get(objectKey(held))
        if (known) context.caches.pods.store.deleted(known)
        return quarantine
      }
      case 'kill': {
        const { uid } = step.pod.metadata
        const gracePeriodSeconds = killWithinSeconds
        await client
          .delete(pods, step.pod.metadata, { ...call, gracePeriodSeconds, preconditions: { uid } })
          .catch(unless(isNotFound))
        return quarantine
      }
      case 'discard': {
        const { uid, resourceVersion } = step.sandbox.metadata
        await client
          .delete(sandboxes, step.sandbox.metadata, { ...call, preconditions: { uid, resourceVersion } })
          .catch(unless(isNotFound))
        context.caches.sandboxes.store.deleted(step.sandbox)
        return quarantine
      }
      case 'rest':
        return quarantine
    }
  }

  function announce(quarantine: Stored<Quarantine>): void {
    const { sandboxRef, reason = 'no reason given' } = quarantine.spec
    const note = `Sandbox "${sandboxRef.name}" is in quarantine: ${reason}`
    context.recorders.sandbox.record(quarantine, { type: 'Warning', reason: 'Quarantined', action: 'Quarantine', note })
  }

  function replacementOf(
    { metadata: { namespace }, status = {} }: Stored<Quarantine>,
    sandbox: Stored<Sandbox> | undefined
  ): Replacement {
    const { claims, sandboxes: known, pods: knownPods } = context.caches
    const claim = status.claimName ? claims.store.get(keyOf({ namespace, name: status.claimName })) : undefined
    const name = claim?.status?.sandbox?.name
    const ownPods = sandbox ? knownPods.store.by('controller', sandbox.metadata.uid) : []
    return {
      claim,
      ofClaim: name ? known.store.get(keyOf({ namespace, name })) : undefined,
      sandbox,
      hasOtherPod: ownPods.some((pod) => pod.metadata.uid !== status.podUID && sandbox && isControlledBy(pod, sandbox)),
    }
  }

  async function reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    let quarantine = caches.quarantines.store.get(key)
    // Without it, the garbage collector kills the Pod.
    if (!quarantine || quarantine.metadata.deletionTimestamp || isOver(quarantine.status ?? {})) return done
    try {
      for (let steps = 0; steps < maxSteps; steps++) {
        const observed = await observe(quarantine, signal)
        const step = planQuarantine(quarantine, observed, clock.wall())
        if (step.kind === 'rest') return await tell(quarantine, observed, step.untilMs, signal)
        quarantine = await apply(quarantine, step, signal)
      }
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error
    }
    return requeueAfter(overtakenMs, 'urgent')
  }

  async function tell(
    quarantine: Stored<Quarantine>,
    observed: Observed,
    untilMs: number | undefined,
    signal: AbortSignal
  ): Promise<ReconcileResult> {
    const { status = {}, metadata } = quarantine
    const pod = heldPod(status, observed)
    const others = context.caches.networkPolicies.store.list(metadata.namespace)
    const told = {
      pod,
      allowing: allowing(others, { [quarantineLabel]: metadata.uid }),
      replacement: replacementOf(quarantine, ownSandbox(status, observed)),
    }
    const next = planConditions(quarantine, told, clock.wall())
    if (next !== status) await patchStatus(quarantine, next, signal)
    if (isOver(next)) return done
    const restMs = untilMs === undefined ? lookAgainMs : Math.max(0, untilMs - clock.wall())
    return requeueAfter(Math.min(restMs, lookAgainMs))
  }

  /** Those of a namespace that `concerns`. There are few. */
  const those = (namespace: string | undefined, concerns: (quarantine: Stored<Quarantine>) => boolean): string[] =>
    caches.quarantines.store.size === 0 ? [] : caches.quarantines.store.list(namespace).filter(concerns).map(objectKey)

  return new Controller({ ...context.controllerOptions('quarantine'), workers: 4, backoff, reconcile })
    .watch(caches.quarantines, toSelf<Quarantine>())
    .watch(caches.pods, toController<Pod>(quarantines))
    .watch(context.caches.networkPolicies, ({ object: { metadata } }) =>
      those(metadata.namespace, ({ metadata: { uid } }) => uid === (quarantineOf(metadata.name) ?? uid))
    )
    .watch(context.caches.claims, ({ object: { metadata } }) =>
      those(metadata.namespace, ({ status }) => status?.claimName === metadata.name)
    )
    .watch(context.caches.sandboxes, ({ object: { metadata } }) =>
      those(metadata.namespace, ({ spec }) => spec.sandboxRef.name === metadata.name)
    )
    .watch(context.caches.pods, () => [])
}

const unless =
  (expected: (error: unknown) => boolean) =>
  (error: unknown): undefined => {
    if (!expected(error)) throw error
  }

/** With caches of its own, which are filled for each term. */
export const quarantineTerm = (context: OperatorContext): Pick<Controller, 'run'> => ({
  async run(stop, term) {
    await using undo = new AsyncDisposableStack()
    const caches = quarantineCaches(context)
    for (const informer of [caches.quarantines, caches.pods]) undo.use(informer as Informer<KubernetesObject>).start()
    await quarantineController(context, caches).run(stop, term)
  },
})
