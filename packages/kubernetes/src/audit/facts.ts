import type { KernelClass } from './kernel-class.ts'
import type { Reach } from './rbac-reach.ts'

/** What an audit keeps of a pod: thousands fit into little memory. */
export interface PodFact {
  readonly namespace: string
  readonly name: string
  /** Absent: not scheduled yet. */
  readonly node?: string
  /** Who made it: `Deployment/web`, `Sandbox/a`, or the pod itself. Pods of one are changed together. */
  readonly workload: string
  readonly runtimeClass?: string
  readonly serviceAccount: string
  /** Whether the token of the service account lies in the pod. */
  readonly hasToken: boolean
  /** Secrets mounted or read into the environment. */
  readonly secrets: readonly string[]
  /** Paths of the node that are mounted. */
  readonly hostPaths: readonly string[]
  readonly privileged: boolean
  /** Namespaces of the node it lives in: `network`, `pid`, `ipc`. */
  readonly hostNamespaces: readonly string[]
}

export interface NodeFact {
  readonly name: string
  /** As the kubelet tells it. */
  readonly kernelVersion: string
  readonly bootId: string
}

/** A cluster at one moment, as far as an audit reads it. */
export interface ClusterFacts {
  readonly pods: readonly PodFact[]
  readonly nodes: readonly NodeFact[]
  /** RuntimeClass → handler. */
  readonly handlers: ReadonlyMap<string, string>
  /** What a service account may do in the cluster, by `namespace/name`. Absent: nothing of note. */
  readonly reach: ReadonlyMap<string, Reach>
}

/** A pod and the kernel it runs on. */
export interface PlacedPod extends PodFact {
  readonly node: string
  readonly kernel: KernelClass
  /** Not suspected: it belongs to the cluster's own machinery. */
  readonly trusted: boolean
}
