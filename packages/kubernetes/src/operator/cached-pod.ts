import type { KubernetesObject, Pod, Stored } from '../controller/index.ts'

/** What the operator reads of a Pod. Thousands are kept: the rest, most of it, is dropped. */
export interface CachedPod extends KubernetesObject {
  readonly spec: {
    readonly nodeName?: string
    /** Only while it waits for a node, and says which it may have. */
    readonly affinity?: NonNullable<NonNullable<Pod['spec']>['affinity']>
  }
  readonly status: Pick<NonNullable<Pod['status']>, 'phase' | 'podIP' | 'podIPs' | 'conditions' | 'reason'>
}

export function cachedPod(pod: Stored<CachedPod>): Stored<CachedPod> {
  const { managedFields: _, ...metadata } = pod.metadata
  const { phase, podIP, podIPs, conditions, reason } = pod.status ?? {}
  return {
    apiVersion: pod.apiVersion,
    kind: pod.kind,
    metadata,
    spec: whereabouts(pod.spec ?? {}),
    status: {
      ...(phase && { phase }),
      ...(podIP && { podIP }),
      ...(podIPs && { podIPs }),
      ...(conditions && { conditions }),
      ...(reason && { reason }),
    },
  }
}

function whereabouts({ nodeName, affinity }: CachedPod['spec']): CachedPod['spec'] {
  if (nodeName) return { nodeName }
  const { nodeAffinity } = affinity ?? {}
  return nodeAffinity ? { affinity: { nodeAffinity } } : {}
}
