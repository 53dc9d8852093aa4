/** @packageDocumentation Claims: each gets a Sandbox, from its pool or made for it, and says what that Sandbox says. */
export { type AllowedLabelDomains, allowedLabelDomainsFile, labelDomainsOf } from './allowed-label-domains.ts'
export { type ClaimControllerOptions, claimController } from './claim-controller.ts'
