import { type Condition, type KubernetesObject, resourceType } from '../controller/index.ts'
import type { WitnessedClass, WitnessVerdict } from './node-witness.ts'
import type { PodTemplate, VolumeClaimTemplate } from './pod-template.ts'

/** One Pod of a wanted shape, under a name that stays, with volumes that outlive it. */
export interface Sandbox extends KubernetesObject {
  readonly spec: SandboxSpec
  readonly status?: SandboxStatus
}

export interface SandboxSpec {
  readonly podTemplate: PodTemplate
  readonly volumeClaimTemplates?: readonly VolumeClaimTemplate[]
  /** true: keep a headless Service; false: delete it; unset: keep an owned one, never create. */
  readonly service?: boolean
  /** The API server's default: Running. */
  readonly operatingMode?: 'Running' | 'Suspended'
  /** RFC 3339. Unset: never. */
  readonly shutdownTime?: string
  /** The API server's default: Retain. */
  readonly shutdownPolicy?: 'Delete' | 'Retain'
}

export interface SandboxStatus {
  readonly conditions?: readonly Condition[]
  /** Label selector of its Pod, as text. */
  readonly selector?: string
  readonly podIPs?: readonly string[]
  readonly nodeName?: string
  readonly service?: string
  readonly serviceFQDN?: string
  readonly kernel?: KernelStatus
}

/** What was witnessed of the kernel under the Pod. */
export interface KernelStatus {
  readonly class?: WitnessedClass
  /** The handler of its RuntimeClass. */
  readonly runtime?: string
  readonly bootID?: string
  readonly release?: string
  readonly verdict?: WitnessVerdict
  readonly reason?: string
  /** RFC 3339. */
  readonly checkedAt?: string
}

export const sandboxes = resourceType<Sandbox>({
  group: 'agents.x-k8s.io',
  version: 'v1beta1',
  plural: 'sandboxes',
  kind: 'Sandbox',
  namespaced: true,
})

/** The types of conditions a Sandbox can have: clients know no others. */
export type SandboxConditionType = 'Ready' | 'Suspended' | 'Finished' | 'PodScheduled'
