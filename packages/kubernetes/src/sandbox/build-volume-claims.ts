import { label, nameHash, type Sandbox, sandboxes, type VolumeClaimTemplate } from '../api/index.ts'
import { controllerReference, type PersistentVolumeClaim, type Stored } from '../controller/index.ts'

export const volumeClaimName = (template: VolumeClaimTemplate, sandbox: Stored<Sandbox>): string =>
  `${template.metadata.name}-${sandbox.metadata.name}`

/** The claims a Sandbox's Pod mounts; they outlive the Pod, and end with the Sandbox. */
export function buildVolumeClaims(sandbox: Stored<Sandbox>): PersistentVolumeClaim[] {
  const { namespace = '', name } = sandbox.metadata
  return (sandbox.spec.volumeClaimTemplates ?? []).map((template) => ({
    metadata: {
      namespace,
      name: volumeClaimName(template, sandbox),
      labels: { ...template.metadata.labels, [label.sandboxNameHash]: nameHash(name) },
      ...(template.metadata.annotations && { annotations: template.metadata.annotations }),
      ownerReferences: [controllerReference(sandboxes, sandbox)],
    },
    spec: template.spec,
  }))
}
