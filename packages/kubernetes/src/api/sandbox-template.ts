import type { V1NetworkPolicyEgressRule, V1NetworkPolicyIngressRule } from '@kubernetes/client-node'
import { type AsJson, type KubernetesObject, resourceType } from '../controller/index.ts'
import type { PodTemplate, VolumeClaimTemplate } from './pod-template.ts'
import type { SandboxSpec } from './sandbox.ts'

/** What Sandboxes of pools and claims are made from. */
export interface SandboxTemplate extends KubernetesObject {
  readonly spec: SandboxTemplateSpec
}

/** What a claim may add: nothing, new names only, or anything. */
export type InjectionPolicy = 'Disallowed' | 'Allowed' | 'Overrides'

export interface SandboxTemplateSpec extends Pick<SandboxSpec, 'service'> {
  readonly podTemplate: PodTemplate
  readonly volumeClaimTemplates?: readonly VolumeClaimTemplate[]
  /** The API server's default: Managed. */
  readonly networkPolicyManagement?: 'Managed' | 'Unmanaged'
  /** In place of the default rules. */
  readonly networkPolicy?: {
    readonly ingress?: readonly AsJson<V1NetworkPolicyIngressRule>[]
    readonly egress?: readonly AsJson<V1NetworkPolicyEgressRule>[]
  }
  /** The API server's default: Disallowed. */
  readonly envVarsInjectionPolicy?: InjectionPolicy
  /** The API server's default: Disallowed. */
  readonly volumeClaimTemplatesPolicy?: InjectionPolicy
}

export const sandboxTemplates = resourceType<SandboxTemplate>({
  group: 'extensions.agents.x-k8s.io',
  version: 'v1beta1',
  plural: 'sandboxtemplates',
  kind: 'SandboxTemplate',
  namespaced: true,
})
