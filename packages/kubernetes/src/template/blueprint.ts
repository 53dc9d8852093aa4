import type { PodSpec, PodTemplate, SandboxTemplate, VolumeClaimTemplate } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'

/** What Sandboxes are made of: a template with the secure defaults filled in. */
export interface Blueprint {
  readonly podTemplate: PodTemplate
  readonly volumeClaimTemplates?: readonly VolumeClaimTemplate[]
  readonly service?: boolean
}

/** Outside of the cluster, whose own resolver the default network policy keeps out of reach. */
const publicNameservers = ['8.8.8.8', '1.1.1.1']

export function blueprintOf(template: Stored<SandboxTemplate>): Blueprint {
  const { podTemplate, volumeClaimTemplates, service } = template.spec
  return {
    podTemplate: { ...podTemplate, spec: withSecureDefaults(podTemplate.spec, template) },
    ...(volumeClaimTemplates && { volumeClaimTemplates }),
    ...(service !== undefined && { service }),
  }
}

/** No credentials of the cluster unless asked for; no resolver of the cluster where the default network policy holds. */
function withSecureDefaults(spec: PodSpec, { spec: template }: Stored<SandboxTemplate>): PodSpec {
  const isManagedByDefault = template.networkPolicyManagement !== 'Unmanaged' && !template.networkPolicy
  return {
    ...spec,
    automountServiceAccountToken: spec.automountServiceAccountToken ?? false,
    ...(isManagedByDefault &&
      !spec.dnsPolicy && { dnsPolicy: 'None', dnsConfig: { ...spec.dnsConfig, nameservers: publicNameservers } }),
  }
}
