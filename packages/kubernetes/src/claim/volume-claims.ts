import type { InjectionPolicy, VolumeClaimTemplate } from '../api/index.ts'
import { volumeClaimsRejected } from './claim-refused.ts'

/** The template's volume claims with those of a claim: overrides in place, new ones appended. Undefined when there are none on either side. */
export function mergedVolumeClaims(
  base: readonly VolumeClaimTemplate[] | undefined,
  wanted: readonly VolumeClaimTemplate[] = [],
  policy: InjectionPolicy = 'Disallowed'
): readonly VolumeClaimTemplate[] | undefined {
  if (wanted.length === 0) return base
  if (policy === 'Disallowed') throw volumeClaimsRejected('the SandboxTemplate does not allow volume claims of claims')
  const byName = new Map((base ?? []).map((template) => [template.metadata.name, template]))
  const own = new Set<string>()
  for (const template of wanted) {
    const name = template.metadata?.name
    if (!name) throw volumeClaimsRejected('a volume claim template has no name')
    if (own.has(name)) throw volumeClaimsRejected(`two volume claim templates are named "${name}"`)
    own.add(name)
    if (policy === 'Allowed' && byName.has(name))
      throw volumeClaimsRejected(`volume claim template "${name}" of the SandboxTemplate must not be overridden`)
    byName.set(name, template)
  }
  return [...byName.values()]
}
