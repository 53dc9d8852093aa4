/** metav1.ObjectMeta as JSON. Times are RFC 3339. */
export interface ObjectMeta {
  readonly name?: string
  readonly generateName?: string
  /** Absent on objects of cluster scope. */
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  /** Counts changes of what is wanted (spec), not of status or metadata. */
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly ownerReferences?: readonly OwnerReference[]
  readonly managedFields?: readonly object[]
}

/** metav1.OwnerReference. */
export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  /** At most one of an object's owners is its controller. */
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface KubernetesObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: ObjectMeta
}

/** What the API server always fills in. */
export interface StoredMeta extends ObjectMeta {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly creationTimestamp: string
}

/** An object as the API server gives it out. */
export type Stored<T extends KubernetesObject = KubernetesObject> = T & {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: StoredMeta
}

export interface ObjectName {
  /** Absent for objects of cluster scope. */
  readonly namespace?: string | undefined
  readonly name: string
}

/** `namespace/name`, or `name` for objects of cluster scope: the key of queues and caches. */
export const keyOf = ({ namespace, name }: ObjectName): string => (namespace ? `${namespace}/${name}` : name)

/** The key of an object from the API server. */
export const objectKey = (object: Stored): string => keyOf(object.metadata)

export function parseKey(key: string): ObjectName {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
