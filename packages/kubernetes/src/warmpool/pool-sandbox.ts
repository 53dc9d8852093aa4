import {
  annotation,
  label,
  nameHash,
  type PodTemplate,
  type Sandbox,
  type SandboxTemplate,
  type SandboxWarmPool,
  sandboxWarmPools,
} from '../api/index.ts'
import { controllerReference, type Stored } from '../controller/index.ts'
import { templateHashes } from './template-hashes.ts'

export interface PoolSandboxOptions {
  readonly name: string
  /** Whether a cluster autoscaler may remove the node under it: nobody works in a pool's Sandbox. */
  readonly evictable: boolean
}

/** A pool's Sandbox, whole: it is not written to again before its status. */
export function poolSandbox(
  pool: Stored<SandboxWarmPool>,
  template: Stored<SandboxTemplate>,
  { name, evictable }: PoolSandboxOptions
): Sandbox {
  const { blueprint, content, podTemplate } = templateHashes(template)
  return {
    metadata: {
      name,
      ...(pool.metadata.namespace && { namespace: pool.metadata.namespace }),
      labels: {
        [label.warmPoolSandbox]: nameHash(pool.metadata.name),
        [label.sandboxTemplateRefHash]: nameHash(template.metadata.name),
        [label.sandboxTemplateHash]: content,
        [label.sandboxPodTemplateHash]: podTemplate,
        [label.launchType]: 'warm',
        [label.createdBy]: 'controller',
      },
      annotations: {
        [annotation.sandboxTemplateRef]: template.metadata.name,
        // Set by the Sandbox controller otherwise, in a write of its own. No Pod of a new Sandbox has another name.
        [annotation.podName]: name,
      },
      ownerReferences: [controllerReference(sandboxWarmPools, pool)],
    },
    spec: {
      ...blueprint,
      podTemplate: evictable ? safeToEvict(blueprint.podTemplate) : blueprint.podTemplate,
    },
  }
}

/** Unless the template has its own say. */
function safeToEvict(podTemplate: PodTemplate): PodTemplate {
  const annotations = { [annotation.safeToEvict]: 'true', ...podTemplate.metadata?.annotations }
  return { ...podTemplate, metadata: { ...podTemplate.metadata, annotations } }
}
