import { type KubernetesObject, resourceType } from '../controller/index.ts'

/** Sandboxes of a template that are made in advance, for claims to take. */
export interface SandboxWarmPool extends KubernetesObject {
  readonly spec: SandboxWarmPoolSpec
  readonly status?: SandboxWarmPoolStatus
}

export interface SandboxWarmPoolSpec {
  /** The API server's default: 1. */
  readonly replicas?: number
  /** In the same namespace. */
  readonly sandboxTemplateRef: { readonly name: string }
  readonly updateStrategy?: { readonly type?: 'OnReplenish' | 'Recreate' }
}

export interface SandboxWarmPoolStatus {
  /** Members that are not on their way out. */
  readonly replicas?: number
  readonly readyReplicas?: number
  /** Label selector of the members, as text. */
  readonly selector?: string
  readonly observedGeneration?: number
}

export const sandboxWarmPools = resourceType<SandboxWarmPool>({
  group: 'extensions.agents.x-k8s.io',
  version: 'v1beta1',
  plural: 'sandboxwarmpools',
  kind: 'SandboxWarmPool',
  namespaced: true,
})
