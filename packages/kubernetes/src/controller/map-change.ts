import type { Change } from './cache/informer.ts'
import { type KubernetesObject, keyOf, objectKey } from './client/kubernetes-object.ts'
import type { ResourceType } from './client/resource-type.ts'
import type { MapChange, Wanted } from './controller.ts'
import { controllerOf, refersTo } from './objects/owner-reference.ts'
import type { Lane } from './queue/lanes.ts'

const inLane = (key: string, lane: Lane | undefined): Wanted => (lane ? { key, lane } : key)

/** The changed object itself. */
export const toSelf =
  <T extends KubernetesObject>(lane?: Lane): MapChange<T> =>
  ({ object }) => [inLane(objectKey(object), lane)]

/**
 * The object of this type that manages the changed one; and the one that managed it before, when that is another: it has lost a child and must know.
 */
export const toController =
  <T extends KubernetesObject>(type: ResourceType, lane?: Lane): MapChange<T> =>
  (change: Change<T>) => {
    const keys = [change.object, change.old].flatMap((object) => {
      const owner = object && controllerOf(object)
      if (!owner || !refersTo(owner, type)) return []
      const namespace = type.namespaced ? object.metadata.namespace : undefined
      return [keyOf({ namespace, name: owner.name })]
    })
    return [...new Set(keys)].map((key) => inLane(key, lane))
  }
