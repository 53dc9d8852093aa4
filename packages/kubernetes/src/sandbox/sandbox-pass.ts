import type { Sandbox } from '../api/index.ts'
import {
  type CallOptions,
  type ChangeOptions,
  isControlledBy,
  isNotFound,
  type KubernetesObject,
  mergePatch,
  type ObjectName,
  type OwnerReference,
  type ResourceType,
  type Stored,
} from '../controller/index.ts'
import type { CachedPod } from '../operator/cached-pod.ts'
import type { CoreCaches, OperatorContext } from '../operator/operator-context.ts'
import type { NameHashes } from './name-hashes.ts'
import { OvertakenError } from './pass-errors.ts'
import type { SandboxMemory } from './sandbox-memory.ts'

/** One look at one Sandbox, and what it is looked at with. */
export interface SandboxPass {
  readonly context: OperatorContext<CoreCaches>
  readonly memory: SandboxMemory
  readonly hashes: NameHashes
  readonly sandbox: Stored<Sandbox>
  /** For every request of the pass. */
  readonly call: CallOptions
  /** Passes over this Sandbox that have failed in a row. */
  readonly failures: number
  /** Has the Sandbox looked at again, however this pass ends. Of several the soonest counts. */
  lookAgainIn(ms: number): void
}

export function ownedPods({ context, sandbox }: SandboxPass): Stored<CachedPod>[] {
  const { store } = context.caches.pods
  return store.by('controller', sandbox.metadata.uid).filter((pod) => isControlledBy(pod, sandbox))
}

/** From the API server; undefined when it is not there. */
export async function read<T extends KubernetesObject>(
  { context, call }: SandboxPass,
  type: ResourceType<T>,
  name: ObjectName
): Promise<Stored<T> | undefined> {
  try {
    return await context.client.get(type, name, call)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Where a write is told of. */
interface Cache<T extends KubernetesObject> {
  readonly type: ResourceType<T>
  readonly store: { wrote(object: Stored<T>): void; deleted(object: Stored<T>): void }
}

/** A merge patch of this very object, and of none that has taken its name. The cache is told. */
export async function change<T extends KubernetesObject>(
  { context, call }: SandboxPass,
  { type, store }: Cache<T>,
  object: Stored<T>,
  patch: { readonly metadata?: object; readonly status?: object; readonly spec?: object },
  options: ChangeOptions = {}
): Promise<Stored<T>> {
  const { uid } = object.metadata
  const body = { ...patch, metadata: { uid, ...patch.metadata } }
  try {
    const answer = await context.client.patch(type, object.metadata, mergePatch(body), { ...call, ...options })
    store.wrote(answer)
    return answer
  } catch (error) {
    if (!isNotFound(error)) throw error
    throw new OvertakenError(`${object.kind} "${object.metadata.name}" is gone`, { cause: error })
  }
}

/** Deletes this very object. Returns it while it takes its time to end. */
export async function remove<T extends KubernetesObject>(
  { context, call }: SandboxPass,
  { type, store }: Cache<T>,
  object: Stored<T>
): Promise<Stored<T> | undefined> {
  const preconditions = { uid: object.metadata.uid }
  try {
    const answer = await context.client.delete(type, object.metadata, { ...call, preconditions })
    if (answer) store.wrote(answer)
    else store.deleted(object)
    return answer
  } catch (error) {
    // Not the 404 of a kind that is not served: that says nothing of the object.
    if (!isNotFound(error) || error.details?.name !== object.metadata.name) throw error
    store.deleted(object)
    return undefined
  }
}

/** For the metadata of an object that nobody manages: with the resource version, so that two cannot take it. */
export const ownerAdded = (
  { metadata: { ownerReferences = [], resourceVersion } }: Stored,
  reference: OwnerReference
) => ({ resourceVersion, ownerReferences: [...ownerReferences, reference] })
