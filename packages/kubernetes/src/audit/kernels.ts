import type { ClusterFacts, PlacedPod, PodFact } from './facts.ts'
import { classOfHandler, type HandlerClasses, isOwnKernel, type KernelClass } from './kernel-class.ts'

export interface Kernel {
  /** `node/NAME`, or `pod/NAMESPACE/NAME` for a pod with a kernel of its own. */
  readonly id: string
  readonly node: string
  readonly kernel: KernelClass
  /** Whose code runs on it: each of these can attack it. */
  readonly runs: readonly PlacedPod[]
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

/** The pods that run on a node, and on which kernel. */
export function placePods({ pods, handlers }: ClusterFacts, options: PlacingOptions): PlacedPod[] {
  return pods.filter(isScheduled).map((pod) => ({
    ...pod,
    kernel: kernelOf(pod, handlers, options),
    trusted: options.trustedNamespaces.has(pod.namespace),
  }))
}

/** A RuntimeClass that is not there is refused by the API server, and one that was deleted since says nothing: `unknown`. */
function kernelOf({ runtimeClass }: PodFact, handlers: ClusterFacts['handlers'], options: HandlerClasses): KernelClass {
  if (runtimeClass === undefined) return classOfHandler(undefined, options)
  const handler = handlers.get(runtimeClass)
  return handler === undefined ? 'unknown' : classOfHandler(handler, options)
}

const isScheduled = (pod: PodFact): pod is PodFact & { readonly node: string } => pod.node !== undefined

/** Every kernel that runs pods: one a node, and one for each pod that has its own. */
export function kernelsOf(pods: readonly PlacedPod[]): Kernel[] {
  return [...Map.groupBy(pods, ({ node }) => node)].flatMap(([node, takes]) => {
    const runs = takes.filter(({ kernel }) => !isOwnKernel(kernel))
    const own = takes.filter(({ kernel }) => isOwnKernel(kernel)).map((pod) => ownKernel(pod))
    return [{ id: `node/${node}`, node, kernel: 'shared', runs, takes, exposed: runs.some(isSuspect) } as const, ...own]
  })
}

const ownKernel = (pod: PlacedPod): Kernel => ({
  id: `pod/${pod.namespace}/${pod.name}`,
  node: pod.node,
  kernel: pod.kernel,
  runs: [pod],
  takes: [pod],
  exposed: isSuspect(pod),
})

const isSuspect = ({ trusted }: PlacedPod): boolean => !trusted
