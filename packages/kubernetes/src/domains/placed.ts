import { label, type PodSpec } from '../api/index.ts'

/** Where a Pod may run, and over what its tenant's Pods are spread there. */
export interface Placement {
  /** Names of nodes; not empty. */
  readonly nodes: readonly string[]
  /** Labels of nodes. */
  readonly spread: readonly string[]
}

type Constraint = NonNullable<PodSpec['topologySpreadConstraints']>[number]

const hostname = 'kubernetes.io/hostname'

/**
 * The Pod, bound to its shard in the scheduler's terms.
 *
 * The nodes are named by `metadata.name`, one term each, because a name is what a node cannot give itself: most labels, `kubernetes.io/hostname` too, a
 * kubelet may set on its own node, and so a compromised one could draw a tenant's Pods to it. It also spares the scheduler all other nodes: for terms
 * that name nodes it looks at no more than these. A Pod's own terms have gone into the choice of the nodes, and are not said again.
 *
 * Within the shard Pods go where fewest of the tenant's are, as a wish: that a node is down should not keep the others from being used. Required affinity
 * is checked by the kubelet, too, so that `nodeName` leads nowhere else.
 */
export function placed(spec: PodSpec, { nodes, spread }: Placement): PodSpec {
  return {
    ...spec,
    affinity: {
      ...spec.affinity,
      nodeAffinity: {
        ...spec.affinity?.nodeAffinity,
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: nodes.toSorted().map(named) },
      },
    },
    topologySpreadConstraints: withSpread(spec.topologySpreadConstraints ?? [], [...spread, hostname]),
  }
}

const named = (node: string) => ({ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] })

/** What the Pod says itself about a topology stands. */
function withSpread(own: readonly Constraint[], keys: readonly string[]): Constraint[] {
  const missing = [...new Set(keys)].filter((key) => !own.some(({ topologyKey }) => topologyKey === key))
  return [
    ...own,
    ...missing.map((topologyKey) => ({
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: 'ScheduleAnyway',
      // Pods of Sandboxes; of the same namespace only, that is, of the same tenant.
      labelSelector: { matchExpressions: [{ key: label.sandboxNameHash, operator: 'Exists' }] },
    })),
  ]
}

/** Where a Pod is or, while it waits, may come to, as far as that is bounded by {@link placed}. */
export function nodesOfPod({ nodeName, affinity }: Pick<PodSpec, 'nodeName' | 'affinity'>): readonly string[] {
  if (nodeName) return [nodeName]
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  return terms.flatMap(({ matchFields = [] }) => matchFields.flatMap(({ values = [] }) => values))
}
