import type { Sandbox, SandboxClaim } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { malformationOfSandbox } from '../malformation/index.ts'
import { hasAdditionalMetadata, inStepPatch, podMetadataFor, templateNameOf } from './adoption.ts'
import { templateNotFound } from './claim-refused.ts'
import type { ClaimWork } from './claim-work.ts'
import { checkAdditionalPodMetadata } from './pod-metadata.ts'
import { templateOf } from './template-of.ts'

/**
 * What of a bound Sandbox's metadata has to follow its claim and its template; undefined when nothing. Throws ClaimRefused when the claim now wants what it
 * cannot have. A template that is gone leaves the Sandbox as it is, unless the claim wants something added.
 */
export function planInStep(work: ClaimWork, claim: Stored<SandboxClaim>, sandbox: Stored<Sandbox>): object | undefined {
  const { additionalPodMetadata } = claim.spec
  if (additionalPodMetadata) checkAdditionalPodMetadata(additionalPodMetadata, work.allowedLabelDomains())
  // Its own Ready condition says what is wrong with it.
  if (malformationOfSandbox(sandbox)) return undefined
  const template = templateOf(work, sandbox)
  if (template) return inStepPatch(sandbox, claim, podMetadataFor(sandbox, claim, template))
  if (additionalPodMetadata && !hasAdditionalMetadata(sandbox, claim))
    throw templateNotFound(templateNameOf(sandbox) ?? '')
  return undefined
}
