import type { PodSpec, Sandbox } from '../api/index.ts'
import { sandboxes } from '../api/index.ts'
import { controllerReference, type Pod, type Stored } from '../controller/index.ts'
import type { OperatorSettings } from '../operator/operator-context.ts'
import { volumeClaimName } from './build-volume-claims.ts'
import { podMetadata } from './pod-metadata.ts'

/** The Pod of a Sandbox, named like it. */
export function buildPod(
  sandbox: Stored<Sandbox>,
  { defaultRuntimeClass }: Pick<OperatorSettings, 'defaultRuntimeClass'>
): Pod {
  const { namespace = '', name } = sandbox.metadata
  const spec = withVolumeClaims(sandbox)
  return {
    metadata: {
      namespace,
      name,
      ...podMetadata(sandbox),
      ownerReferences: [controllerReference(sandboxes, sandbox)],
    },
    spec: defaultRuntimeClass && !spec.runtimeClassName ? { ...spec, runtimeClassName: defaultRuntimeClass } : spec,
  }
}

function withVolumeClaims(sandbox: Stored<Sandbox>): PodSpec {
  const { podTemplate, volumeClaimTemplates = [] } = sandbox.spec
  if (volumeClaimTemplates.length === 0) return podTemplate.spec
  const claims = volumeClaimTemplates.map((template) => ({
    name: template.metadata.name,
    persistentVolumeClaim: { claimName: volumeClaimName(template, sandbox) },
  }))
  const replaced = new Set(claims.map(({ name }) => name))
  const others = (podTemplate.spec.volumes ?? []).filter(({ name }) => !replaced.has(name))
  return { ...podTemplate.spec, volumes: [...others, ...claims] }
}
