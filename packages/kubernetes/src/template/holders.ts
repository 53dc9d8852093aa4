import { annotation, nameHash, type Sandbox, sandboxes } from '../api/index.ts'
import {
  apiVersionOf,
  controllerOf,
  isControlledBy,
  type KubernetesObject,
  type ObjectMeta,
  type OwnerReference,
  pods,
  type ResourceType,
  refersTo,
  type Stored,
} from '../controller/index.ts'
import type { CachedPod } from '../operator/cached-pod.ts'
import type { CoreCaches } from '../operator/operator-context.ts'

/**
 * Something a template's policy protects, and that can keep it: a Sandbox with its Pods, or Pods whose Sandbox is gone and which run on until their
 * grace period is over.
 */
export interface Holder {
  /** Neither controllers of the policy, nor delayed in their own deletion by it. */
  readonly owners: readonly OwnerReference[]
  readonly hasPod: boolean
  /** Pods whose Sandbox is gone: not for long. */
  readonly ends: boolean
}

type Known = Pick<CoreCaches, 'sandboxes' | 'pods'>

/** Of the template of this name, as far as the caches know. */
export function holdersOf(caches: Known, namespace: string, template: string): Holder[] {
  const value = `${namespace}/${nameHash(template)}`
  const living = caches.sandboxes.store
    .by('template', value)
    .filter((sandbox) => !sandbox.metadata.deletionTimestamp && isOf(sandbox, template))
  const ofLiving = living.map((sandbox) => {
    const own = caches.pods.store
      .by('controller', sandbox.metadata.uid)
      .filter((pod) => isControlledBy(pod, sandbox) && canOwn(pod))
    return { owners: [ownerSandbox(sandbox), ...own.map(ownerPod)], hasPod: own.length > 0, ends: false }
  })
  const left = caches.pods.store.by('template', value).filter((pod) => {
    const sandbox = sandboxOf(caches, pod)
    return canOwn(pod) && (!sandbox || (sandbox.metadata.deletionTimestamp !== undefined && isOf(sandbox, template)))
  })
  return [...ofLiving, ...left.map((pod) => ({ owners: [ownerPod(pod)], hasPod: true, ends: true }))]
}

/** The Sandbox that manages the Pod, if it is still there. */
export function sandboxOf(caches: Pick<Known, 'sandboxes'>, pod: Stored<CachedPod>): Stored<Sandbox> | undefined {
  const owner = controllerOf(pod)
  if (!owner || !refersTo(owner, sandboxes)) return undefined
  const sandbox = caches.sandboxes.store.get(`${pod.metadata.namespace}/${owner.name}`)
  return sandbox?.metadata.uid === owner.uid ? sandbox : undefined
}

export const templateRefOf = ({ metadata }: Stored<Sandbox>): string | undefined =>
  metadata.annotations?.[annotation.sandboxTemplateRef]

/** Two names can have one hash: the annotation tells whose it is. */
const isOf = (sandbox: Stored<Sandbox>, template: string): boolean => (templateRefOf(sandbox) ?? template) === template

/** What is in a foreground deletion keeps nothing: the garbage collector takes it out of the owners. */
const canOwn = ({ metadata: { deletionTimestamp, finalizers } }: { readonly metadata: ObjectMeta }): boolean =>
  deletionTimestamp === undefined || !finalizers?.includes('foregroundDeletion')

const ownerOf =
  (type: ResourceType) =>
  ({ metadata: { name, uid } }: Stored<KubernetesObject>): OwnerReference => ({
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    name,
    uid,
  })
const ownerSandbox = ownerOf(sandboxes)
const ownerPod = ownerOf(pods)
