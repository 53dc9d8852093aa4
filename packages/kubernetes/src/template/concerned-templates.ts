import { type Sandbox, sandboxes } from '../api/index.ts'
import { type Change, type NetworkPolicy, type OwnerReference, refersTo, type Stored } from '../controller/index.ts'
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
  const needsOwners = (namespace: string | undefined, name: string): boolean => {
    const template = caches.templates.store.get(`${namespace}/${name}`)
    if (!template || template.metadata.deletionTimestamp) return true
    const policy = caches.networkPolicies.store.get(`${namespace}/${policyNameOf(name)}`)
    if (!policy) return false
    const holding = (policy.metadata.ownerReferences ?? []).filter(
      (owner) => refersTo(owner, sandboxes) && isLiving(namespace, owner)
    )
    return holding.length < holderCount.beside.low
  }
  const ofSandbox = (sandbox: Stored<Sandbox> | undefined): string[] => {
    const name = sandbox && templateRefOf(sandbox)
    if (!name || !needsOwners(sandbox.metadata.namespace, name)) return []
    return [`${sandbox.metadata.namespace}/${name}`]
  }
  return {
    byPolicy: ({ object: { metadata } }: Change<NetworkPolicy>): string[] => {
      const name = templateNameOf(metadata.name)
      return name ? [`${metadata.namespace}/${name}`] : []
    },
    bySandbox: ({ type, object, old }: Change<Sandbox>): string[] => {
      const leaves = object.metadata.deletionTimestamp !== old?.metadata.deletionTimestamp
      return type !== 'updated' || leaves ? ofSandbox(object) : []
    },
    byPod: ({ type, object }: Change<CachedPod>): string[] =>
      type === 'added' ? ofSandbox(sandboxOf(caches, object)) : [],
  }
}
