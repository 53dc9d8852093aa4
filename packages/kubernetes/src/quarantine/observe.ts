import { type Quarantine, quarantineLabel, type Sandbox, sandboxes } from '../api/index.ts'
import {
  isControlledBy,
  isNotFound,
  type KubernetesObject,
  keyOf,
  networkPolicies,
  type ObjectName,
  pods,
  type ResourceType,
  type Stored,
} from '../controller/index.ts'
import type { OperatorContext } from '../operator/operator-context.ts'
import { allowing, policyNameOf } from './network-policy.ts'
import type { Replacement, Told } from './plan-conditions.ts'
import { heldPod, type Observed, ownSandbox, podNameOf } from './plan-quarantine.ts'

/** What is decided on, asked of the API server: the caches know nothing of Pods that have lost their labels, and lag. */
export async function observe(
  { client }: OperatorContext,
  { metadata: { namespace, uid }, spec, status }: Stored<Quarantine>,
  signal: AbortSignal
): Promise<Observed> {
  const get = <T extends KubernetesObject>(type: ResourceType<T>, name: ObjectName): Promise<Stored<T> | undefined> =>
    client.get(type, name, { signal, lane: 'urgent' }).catch((error) => {
      if (!isNotFound(error)) throw error
      return undefined
    })
  const sandbox = await get(sandboxes, { namespace, name: spec.sandboxRef.name })
  const podName = status?.startedAt ? status.podName : sandbox && podNameOf(sandbox)
  const [pod, policy] = await Promise.all([
    podName ? get(pods, { namespace, name: podName }) : undefined,
    get(networkPolicies, { namespace, name: policyNameOf(uid) }),
  ])
  return { sandbox, pod, policy }
}

/** What is told, of which the caches know enough: when they know more, it is told anew. */
export function toldOf({ caches }: OperatorContext, quarantine: Stored<Quarantine>, observed: Observed): Told {
  const { status = {}, metadata } = quarantine
  return {
    pod: heldPod(status, observed),
    allowing: allowing(caches.networkPolicies.store.list(metadata.namespace), { [quarantineLabel]: metadata.uid }),
    replacement: replacementOf(caches, quarantine, ownSandbox(status, observed)),
  }
}

function replacementOf(
  { claims, sandboxes: known, pods: knownPods }: OperatorContext['caches'],
  { metadata: { namespace }, status = {} }: Stored<Quarantine>,
  sandbox: Stored<Sandbox> | undefined
): Replacement {
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
