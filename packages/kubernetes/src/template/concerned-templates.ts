import { type Sandbox, sandboxes } from '../api/index.ts'
import {
  type Change,
  isControlledBy,
  type NetworkPolicy,
  type OwnerReference,
  refersTo,
  type Stored,
} from '../controller/index.ts'
import type { CachedPod } from '../operator/cached-pod.ts'
import type { Caches } from '../operator/operator-context.ts'
import { sandboxOf, templateRefOf } from './holders.ts'
import { policyNameOf, templateNameOf } from './network-policy.ts'
import { holderCount } from './plan-policy.ts'

/**
 * Which templates a change concerns. Sandboxes and Pods change all the time, and what they mean to a policy is little: it needs owners when it has too few
 * beside its template, or when that is gone. Everything else ends here.
 */
export function concernedTemplates(caches: Caches) {
  const isLiving = (namespace: string | undefined, { name, uid }: OwnerReference): boolean => {
    const sandbox = caches.sandboxes.store.get(`${namespace}/${name}`)
    return sandbox?.metadata.uid === uid && !sandbox.metadata.deletionTimestamp
  }
  const isGone = (namespace: string | undefined, name: string): boolean => {
    const template = caches.templates.store.get(`${namespace}/${name}`)
    return !template || template.metadata.deletionTimestamp !== undefined
  }
  const holding = (namespace: string | undefined, name: string): readonly OwnerReference[] | undefined =>
    caches.networkPolicies.store
      .get(`${namespace}/${policyNameOf(name)}`)
      ?.metadata.ownerReferences?.filter((owner) => refersTo(owner, sandboxes) && isLiving(namespace, owner))

  /** A Sandbox with a Pod that is new: it joins its Sandbox among the owners, or makes it one of them. */
  const joins = (sandbox: Stored<Sandbox>, name: string): boolean => {
    const holders = holding(sandbox.metadata.namespace, name)
    if (!holders) return false
    return holders.length < holderCount.beside.low || holders.some(({ uid }) => uid === sandbox.metadata.uid)
  }
  const hasPod = (sandbox: Stored<Sandbox>): boolean =>
    caches.pods.store.by('controller', sandbox.metadata.uid).some((pod) => isControlledBy(pod, sandbox))

  return {
    byPolicy: ({ object: { metadata } }: Change<NetworkPolicy>): string[] => {
      const name = templateNameOf(metadata.name)
      return name ? [`${metadata.namespace}/${name}`] : []
    },
    /** One that is new has nothing to protect before it has a Pod; one that ends may be missed. */
    bySandbox: ({ type, object, old }: Change<Sandbox>): string[] => {
      const name = templateRefOf(object)
      const { namespace, deletionTimestamp } = object.metadata
      if (!name || (type === 'updated' && deletionTimestamp === old.metadata.deletionTimestamp)) return []
      if (isGone(namespace, name)) return [`${namespace}/${name}`]
      const holders = holding(namespace, name)
      const isWanted =
        type === 'added' ? hasPod(object) && joins(object, name) : holders && holders.length < holderCount.beside.low
      return isWanted ? [`${namespace}/${name}`] : []
    },
    byPod: ({ type, object }: Change<CachedPod>): string[] => {
      const sandbox = type === 'added' ? sandboxOf(caches, object) : undefined
      const name = sandbox && templateRefOf(sandbox)
      if (!name) return []
      const { namespace } = sandbox.metadata
      return isGone(namespace, name) || joins(sandbox, name) ? [`${namespace}/${name}`] : []
    },
  }
}
