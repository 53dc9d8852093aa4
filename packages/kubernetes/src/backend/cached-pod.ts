import type { KubernetesObject, Pod, Stored } from '../controller/index.ts'

/** What is kept of a Pod: thousands of them are in memory. */
export interface CachedPod extends KubernetesObject {
  readonly spec: { readonly runtimeClassName?: string; readonly nodeName?: string }
  readonly status: {
    readonly phase?: string
    readonly reason?: string
    readonly message?: string
    readonly podIP?: string
    readonly conditions?: NonNullable<Pod['status']>['conditions']
    readonly initContainerStatuses?: ContainerStatuses
    readonly containerStatuses?: ContainerStatuses
  }
}

export type ContainerStatuses = NonNullable<NonNullable<Pod['status']>['containerStatuses']>

export function cachedPod(pod: Stored<CachedPod>): Stored<CachedPod> {
  const { apiVersion, kind, metadata, spec = {}, status = {} } = pod
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata
  const { runtimeClassName, nodeName } = spec
  const { phase, reason, message, podIP, conditions, initContainerStatuses, containerStatuses } = status
  return {
    apiVersion,
    kind,
    metadata: defined({ name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp }),
    spec: defined({ runtimeClassName, nodeName }),
    status: defined({ phase, reason, message, podIP, conditions, initContainerStatuses, containerStatuses }),
  } as Stored<CachedPod>
}

const defined = (members: object): object =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
