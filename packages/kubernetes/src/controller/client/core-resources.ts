import type {
  EventsV1Event,
  V1ConfigMap,
  V1Lease,
  V1Namespace,
  V1NetworkPolicy,
  V1Node,
  V1PersistentVolumeClaim,
  V1Pod,
  V1RuntimeClass,
  V1Service,
} from '@kubernetes/client-node'
import type { AsJson } from './as-json.ts'
import type { KubernetesObject } from './kubernetes-object.ts'
import { resourceType } from './resource-type.ts'

/** The core object, with this kit's metadata in place of the library's. */
type Core<T> = KubernetesObject & Omit<AsJson<T>, keyof KubernetesObject>

export type ConfigMap = Core<V1ConfigMap>
export type Event = Core<EventsV1Event>
export type Lease = Core<V1Lease>
export type Namespace = Core<V1Namespace>
export type NetworkPolicy = Core<V1NetworkPolicy>
export type Node = Core<V1Node>
export type PersistentVolumeClaim = Core<V1PersistentVolumeClaim>
export type Pod = Core<V1Pod>
export type RuntimeClass = Core<V1RuntimeClass>
export type Service = Core<V1Service>

const core = { group: '', version: 'v1' } as const

export const configMaps = resourceType<ConfigMap>({
  ...core,
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
})
export const namespaces = resourceType<Namespace>({
  ...core,
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
})
export const nodes = resourceType<Node>({ ...core, plural: 'nodes', kind: 'Node', namespaced: false })
export const pods = resourceType<Pod>({ ...core, plural: 'pods', kind: 'Pod', namespaced: true })
export const services = resourceType<Service>({ ...core, plural: 'services', kind: 'Service', namespaced: true })
export const persistentVolumeClaims = resourceType<PersistentVolumeClaim>({
  ...core,
  plural: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
  namespaced: true,
})
export const events = resourceType<Event>({
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
})
export const leases = resourceType<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
})
export const networkPolicies = resourceType<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'networkpolicies',
  kind: 'NetworkPolicy',
  namespaced: true,
})
export const runtimeClasses = resourceType<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  plural: 'runtimeclasses',
  kind: 'RuntimeClass',
  namespaced: false,
})
