import type { KubernetesObject, OwnerReference, Stored } from '../client/kubernetes-object.ts'
import { apiVersionOf, groupOf, type ResourceType } from '../client/resource-type.ts'

/** What an object of this type writes into the objects it makes and manages. The garbage collector deletes them with it. */
export function controllerReference(type: ResourceType, { metadata: { name, uid } }: Stored): OwnerReference {
  return { apiVersion: apiVersionOf(type), kind: type.kind, name, uid, controller: true, blockOwnerDeletion: true }
}

/** The one owner that manages the object. */
export const controllerOf = (object: KubernetesObject): OwnerReference | undefined =>
  object.metadata?.ownerReferences?.find((reference) => reference.controller === true)

/**
 * Whether `owner` manages the object: by uid, because another object can have had its name; and in its own namespace, because the API server takes any
 * uid in a reference, and somebody else's may be known.
 */
export const isControlledBy = (object: KubernetesObject, { metadata: { uid, namespace } }: Stored): boolean =>
  controllerOf(object)?.uid === uid && (namespace === undefined || object.metadata?.namespace === namespace)

/** Whether a reference is to an object of this type. The version does not matter: old references keep the one they were written with. */
export const refersTo = ({ apiVersion, kind }: OwnerReference, type: ResourceType): boolean =>
  kind === type.kind && groupOf(apiVersion) === type.group
