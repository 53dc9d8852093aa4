import { type Condition, type KubernetesObject, resourceType } from '../controller/index.ts'
import type { EmbeddedMetadata, VolumeClaimTemplate } from './pod-template.ts'

/** A wish for one Sandbox: from a pool when it has one, made anew from the pool's template when not. */
export interface SandboxClaim extends KubernetesObject {
  readonly spec: SandboxClaimSpec
  readonly status?: SandboxClaimStatus
}

export interface SandboxClaimSpec {
  /** In the same namespace; names the template of a cold start, too. */
  readonly warmPoolRef: { readonly name: string }
  readonly lifecycle?: ClaimLifecycle
  /** Put on the Pod. */
  readonly additionalPodMetadata?: EmbeddedMetadata
  /** Forces a cold start. */
  readonly env?: readonly ClaimEnvironmentVariable[]
  /** Forces a cold start. */
  readonly volumeClaimTemplates?: readonly VolumeClaimTemplate[]
}

export interface ClaimLifecycle {
  /** RFC 3339. */
  readonly shutdownTime?: string
  /** From the Finished condition's lastTransitionTime. */
  readonly ttlSecondsAfterFinished?: number
  /** The API server's default: Retain. */
  readonly shutdownPolicy?: 'Delete' | 'DeleteForeground' | 'Retain'
}

export interface ClaimEnvironmentVariable {
  readonly name: string
  readonly value: string
  /** Also of an init container. Default: the first container. */
  readonly containerName?: string
}

export interface SandboxClaimStatus {
  readonly conditions?: readonly Condition[]
  readonly sandbox?: { readonly name?: string; readonly podIPs?: readonly string[]; readonly serviceFQDN?: string }
}

export const sandboxClaims = resourceType<SandboxClaim>({
  group: 'extensions.agents.x-k8s.io',
  version: 'v1beta1',
  plural: 'sandboxclaims',
  kind: 'SandboxClaim',
  namespaced: true,
})
