import { createHash } from 'node:crypto'
import type { SandboxTemplate } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { type Blueprint, blueprintOf } from '../template/blueprint.ts'

export interface TemplateHashes {
  readonly blueprint: Blueprint
  /** Label `sandbox-template-hash`: of what staleness is judged by. An edit of metadata alone leaves it as it is. */
  readonly content: string
  /** Label `sandbox-pod-template-hash`. */
  readonly podTemplate: string
}

/** Objects of a cache are frozen: what was made of one stays true of it. */
const known = new WeakMap<Stored<SandboxTemplate>, TemplateHashes>()

/** A template's blueprint and its hashes: asked for once a member and pass, made once a version of the template. */
export function templateHashes(template: Stored<SandboxTemplate>): TemplateHashes {
  let hashes = known.get(template)
  if (!hashes) {
    const blueprint = blueprintOf(template)
    const { podTemplate, volumeClaimTemplates = [], service } = blueprint
    const claims = volumeClaimTemplates.map(({ metadata: { name }, spec }) => ({ name, spec }))
    hashes = {
      blueprint,
      content: hashOf({ spec: podTemplate.spec, claims, service }),
      podTemplate: hashOf(podTemplate),
    }
    known.set(template, hashes)
  }
  return hashes
}

/** Long enough that two versions of a template do not share one by chance: equal hashes are taken for equal content. */
const hexDigits = 16

const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value, withSortedKeys)).digest('hex').slice(0, hexDigits)

const withSortedKeys = (_: string, value: unknown): unknown =>
  value && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value
