import { isDeepStrictEqual } from 'node:util'
import { annotation, label, nameHash, type Sandbox, type SandboxTemplate } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import type { Blueprint } from '../template/blueprint.ts'
import { templateHashes } from './template-hashes.ts'

/**
 * Whether a pool's Sandbox was made from something else than what `template` says now: from another template, or with another Pod spec, other volume
 * claims (names and specs, in order) or another `service`. Metadata does not count: it is brought in line when a claim takes the Sandbox.
 */
export function isStale(sandbox: Stored<Sandbox>, template: Stored<SandboxTemplate>): boolean {
  const { labels, annotations } = sandbox.metadata
  const templateName = annotations?.[annotation.sandboxTemplateRef]
  if (templateName !== undefined && templateName !== template.metadata.name) return true
  if (labels?.[label.sandboxTemplateRefHash] !== nameHash(template.metadata.name)) return true
  const { blueprint, content } = templateHashes(template)
  // Hashes are opaque: one that differs may be another controller's for the same content.
  return labels[label.sandboxTemplateHash] !== content && !hasContent(sandbox, blueprint)
}

/** Whether the Sandbox's spec is what `blueprint` says. */
export function hasContent({ spec }: Stored<Sandbox>, blueprint: Blueprint): boolean {
  return (
    spec !== undefined &&
    spec.service === blueprint.service &&
    isDeepStrictEqual(spec.podTemplate?.spec, blueprint.podTemplate.spec) &&
    isDeepStrictEqual(claimsOf(spec), claimsOf(blueprint))
  )
}

/** Of what is no list, whatever it is: that equals nothing a template has. */
const claimsOf = ({ volumeClaimTemplates: claims = [] }: Pick<Blueprint, 'volumeClaimTemplates'>): unknown =>
  Array.isArray(claims) ? claims.map((claim) => ({ name: claim?.metadata?.name, spec: claim?.spec })) : claims
