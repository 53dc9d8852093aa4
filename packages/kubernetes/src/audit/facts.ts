import type { KernelClass } from './kernel-class.ts'
import type { Reach } from './rbac-reach.ts'

/** A path of the node that is mounted. */
export interface HostPath {
  readonly path: string
  /** Some container can write to it. */
  readonly writable: boolean
}

/** What an audit keeps of a pod: thousands fit into little memory. Names are those of the cluster: foreign text, whoever shows them. */
export interface PodFact {
  readonly namespace: string
  readonly name: string
  /** Absent: not scheduled yet. */
  readonly node?: string
  /** Its container that a probe asks; absent when none runs. */
  readonly runningContainer?: string
  /** Who made it: `Deployment/web`, `Sandbox/a`, or the pod itself. Pods of one are changed together. */
  readonly workload: string
  readonly runtimeClass?: string
  readonly serviceAccount: string
  /** Whether a token of the service account lies in the pod. */
  readonly hasToken: boolean
  /** Secrets mounted, read into the environment, or used by a volume's driver. */
  readonly secrets: readonly string[]
  readonly hostPaths: readonly HostPath[]
  readonly privileged: boolean
  /** Those of its containers that are worth as much as `privileged` on a shared kernel: `SYS_ADMIN`, … */
  readonly capabilities: readonly string[]
  /** Namespaces of the node it lives in: `network`, `pid`, `ipc`. */
  readonly hostNamespaces: readonly string[]
}

export interface NodeFact {
  readonly name: string
  /** As the kubelet tells it. */
  readonly kernelVersion: string
  /** As the kubelet tells it; empty: it does not. */
  readonly bootId: string
}

/** Something that could not be read, and what the audit therefore does not know. */
export interface Missing {
  readonly what: 'nodes' | 'runtimeclasses' | 'rbac'
  /** The API server's words. */
  readonly why: string
  readonly consequence: string
  /** Blast radii may be larger than the report says; otherwise they are not smaller than it says. */
  readonly understates: boolean
}

/** What a pod's inside answered when asked for its boot id, or why it did not. */
export type InsideWitness = { readonly bootId: string } | { readonly silent: string }

/** A cluster at one moment, as far as an audit reads it. */
export interface ClusterFacts {
  readonly pods: readonly PodFact[]
  readonly nodes: readonly NodeFact[]
  /** RuntimeClass → handler. */
  readonly handlers: ReadonlyMap<string, string>
  /** What a service account may do in the cluster, by `namespace/name`. Absent: nothing of note. */
  readonly reach: ReadonlyMap<string, Reach>
  readonly missing: readonly Missing[]
  /** What the inside of pods said when asked, by `namespace/name`. Absent: nobody was asked. */
  readonly inside?: ReadonlyMap<string, InsideWitness>
}

/** A pod and the kernel it runs on. */
export interface PlacedPod extends PodFact {
  readonly node: string
  /** The kernel under its node; see {@link nodeKernels}. */
  readonly nodeKernel: string
  readonly kernel: KernelClass
  /** Not suspected: it belongs to the cluster's own machinery. */
  readonly trusted: boolean
  /** It has a kernel of its own, and nothing that leads around it. What is not contained can attack the node's kernel. */
  readonly contained: boolean
}

/** `namespace/name`: no name has a slash. */
export const podKey = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${namespace}/${name}`
