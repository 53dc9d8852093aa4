import type { IsolationClass } from '@bulkhead/wire'
import { type KubernetesObject, resourceType } from '../controller/index.ts'

/** What the witness on a node sees of the Pods there. It has the node's name. */
export interface NodeWitness extends KubernetesObject {
  readonly status?: NodeWitnessStatus
}

export interface NodeWitnessStatus {
  /** RFC 3339, by the node's clock: when all that follows held. */
  readonly observedAt?: string
  readonly bootID?: string
  readonly kernelRelease?: string
  readonly runtime?: { readonly name: string; readonly version?: string }
  readonly mismatches?: number
  /** Pods that are too many for one object. */
  readonly podsLeftOut?: number
  /** The worst verdicts first. */
  readonly pods?: readonly WitnessedPod[]
}

/** `shared`: the node's own kernel. */
export type WitnessedClass = IsolationClass | 'shared'

/** From the worst. */
export const witnessVerdicts = ['Mismatch', 'Unknown', 'Shared', 'Isolated'] as const
export type WitnessVerdict = (typeof witnessVerdicts)[number]

export interface WitnessedPod {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly class?: WitnessedClass
  /** As its RuntimeClass asks for. Absent: the default. */
  readonly handler?: string
  /** As the container runtime says: the handler, a space, the type of its shim. */
  readonly runtime?: string
  readonly process?: {
    readonly executable: string
    readonly uid: number
    readonly seccomp: number
    readonly capabilities?: readonly string[]
  }
  readonly verdict: WitnessVerdict
  readonly reason: string
  readonly message?: string
  /** RFC 3339, by the node's clock. */
  readonly since: string
}

export const nodeWitnesses = resourceType<NodeWitness>({
  group: 'bulkhead.dev',
  version: 'v1alpha1',
  plural: 'nodewitnesses',
  kind: 'NodeWitness',
  namespaced: false,
})
