import type { Sandbox, SandboxClaim } from '../api/index.ts'
import { keyOf, type Stored } from '../controller/index.ts'
import { hasAdditionalMetadata, inStepPatch, podMetadataFor, templateNameOf } from './adoption.ts'
import { templateNotFound } from './claim-refused.ts'
import type { ClaimWork } from './claim-work.ts'
import { checkAdditionalPodMetadata } from './pod-metadata.ts'

/**
 * What of a bound Sandbox's metadata has to follow its claim and its template; undefined when nothing. Throws ClaimRefused when the claim now wants what it
 * cannot have. A template that is gone leaves the Sandbox as it is, unless the claim wants something added.
 */
export function planInStep(
  { context: { caches }, allowedLabelDomains }: ClaimWork,
  claim: Stored<SandboxClaim>,
  sandbox: Stored<Sandbox>
): object | undefined {
  const { additionalPodMetadata } = claim.spec
  if (additionalPodMetadata) checkAdditionalPodMetadata(additionalPodMetadata, allowedLabelDomains())
  const { namespace } = claim.metadata
  const name = templateNameOf(sandbox)
  const template = name ? caches.templates.store.get(keyOf({ namespace, name })) : undefined
  if (template) return inStepPatch(sandbox, claim, podMetadataFor(sandbox, claim, template))
  if (additionalPodMetadata && !hasAdditionalMetadata(sandbox, claim)) throw templateNotFound(name ?? '')
  return undefined
}
