import { bootIdsOf, isOnNodeKernel } from './boot-ids.ts'
import { type ClusterFacts, type NodeFact, type PlacedPod, type PodFact, podKey } from './facts.ts'
import { classOfHandler, type HandlerClasses, isOwnKernel, type KernelClass } from './kernel-class.ts'

export interface Kernel {
  /** `node/NAME`, or `pod/NAMESPACE/NAME` for a pod with a kernel of its own. */
  readonly id: string
  /** More than one: nodes that are containers on one machine. */
  readonly nodes: readonly string[]
  readonly kernel: KernelClass
  /** Whose code can attack it: what runs on it, and what has a way around a kernel of its own. */
  readonly attackers: readonly PlacedPod[]
  /**
   * What falls with it. With a node's kernel that is every pod of the node, also those with a kernel of their own: these are processes of the node. Their
   * own kernels keep attackers away from the node's, and not the node's attackers away from them.
   */
  readonly takes: readonly PlacedPod[]
  /** Somebody who is not trusted can attack it. */
  readonly exposed: boolean
}

export interface PlacingOptions extends HandlerClasses {
  /** Namespaces of the cluster's own machinery. */
  readonly trustedNamespaces: ReadonlySet<string>
}

/**
 * Node → the kernel under it, named after the first of its nodes. Nodes with one boot id are on one kernel, as those of kind, k3d and `bulkhead cluster`
 * are.
 */
export function nodeKernels(nodes: readonly NodeFact[]): Map<string, string> {
  const first = new Map<string, string>()
  const sorted = nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  for (const { name, bootId } of sorted) if (bootId !== '' && !first.has(bootId)) first.set(bootId, name)
  return new Map(sorted.map(({ name, bootId }) => [name, first.get(bootId) ?? name]))
}

/** The pods that run on a node, and on which kernel. */
export function placePods(facts: ClusterFacts, options: PlacingOptions): PlacedPod[] {
  const under = nodeKernels(facts.nodes)
  const bootIds = bootIdsOf(facts.nodes)
  return facts.pods.filter(isScheduled).map((pod) => {
    const claimed = claimedKernelOf(pod, facts, options)
    const kernel = isOnNodeKernel(facts.inside?.get(podKey(pod)), bootIds) ? 'shared' : claimed
    return {
      ...pod,
      nodeKernel: under.get(pod.node) ?? pod.node,
      kernel,
      trusted: options.trustedNamespaces.has(pod.namespace),
      contained: isOwnKernel(kernel) && waysAround(pod).length === 0,
    }
  })
}

/** What lets a pod with a kernel of its own out of it: no wall keeps in who may write to the other side, or was handed the node's devices. */
export const waysAround = ({ privileged, hostPaths }: PodFact): string[] => [
  ...(privileged ? ['privileged'] : []),
  ...hostPaths.filter(({ writable }) => writable).map(({ path }) => `writable hostPath ${path}`),
]

/** What its RuntimeClass says. One that is not there is refused by the API server, and one that was deleted since says nothing: `unknown`. */
export function claimedKernelOf(
  { runtimeClass }: PodFact,
  { handlers }: Pick<ClusterFacts, 'handlers'>,
  options: HandlerClasses
): KernelClass {
  if (runtimeClass === undefined) return classOfHandler(undefined, options)
  const handler = handlers.get(runtimeClass)
  return handler === undefined ? 'unknown' : classOfHandler(handler, options)
}

const isScheduled = (pod: PodFact): pod is PodFact & { readonly node: string } => pod.node !== undefined

/** Every kernel that runs pods: one for each node or group of nodes on one kernel, and one for each pod that has its own. */
export function kernelsOf(pods: readonly PlacedPod[], nodes: readonly NodeFact[]): Kernel[] {
  const above = Map.groupBy(nodeKernels(nodes), ([, kernel]) => kernel)
  return [...Map.groupBy(pods, ({ nodeKernel }) => nodeKernel)].flatMap(([name, takes]) => {
    const attackers = takes.filter(({ contained }) => !contained)
    const shared: Kernel = {
      id: `node/${name}`,
      nodes: above.get(name)?.map(([node]) => node) ?? [name],
      kernel: 'shared',
      attackers,
      takes,
      exposed: attackers.some(isSuspect),
    }
    return [shared, ...takes.filter(({ kernel }) => isOwnKernel(kernel)).map(ownKernel)]
  })
}

const ownKernel = (pod: PlacedPod): Kernel => ({
  id: `pod/${podKey(pod)}`,
  nodes: [pod.node],
  kernel: pod.kernel,
  attackers: [pod],
  takes: [pod],
  exposed: isSuspect(pod),
})

const isSuspect = ({ trusted }: PlacedPod): boolean => !trusted
