import { message, reason } from './conditions.ts'

/**
 * When a claim that cannot have a Sandbox now is looked at again. `onInput`: when it, its pool or its template changes. `whenThere`: when what is missing
 * has been created, and once a minute. `soon`: after a back-off.
 */
export type Retry = 'onInput' | 'whenThere' | 'soon'

/** Why a claim has no Sandbox, or not the one it describes: becomes its Ready condition. */
export class ClaimRefused extends Error {
  override readonly name = 'ClaimRefused'
  /** Of the condition. */
  readonly reason: string
  readonly retry: Retry

  constructor(reason: string, message: string, retry: Retry, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
    this.retry = retry
  }
}

export const warmPoolNotFound = (name: string): ClaimRefused =>
  new ClaimRefused(reason.warmPoolNotFound, message.warmPoolNotFound(name), 'whenThere')

export const templateNotFound = (name: string): ClaimRefused =>
  new ClaimRefused(reason.templateNotFound, message.templateNotFound(name), 'whenThere')

export const invalidMetadata = (what: string): ClaimRefused => new ClaimRefused(reason.invalidMetadata, what, 'onInput')

export const envRejected = (what: string): ClaimRefused =>
  new ClaimRefused(reason.envVarsInjectionRejected, what, 'onInput')

export const volumeClaimsRejected = (what: string): ClaimRefused =>
  new ClaimRefused(reason.volumeClaimTemplatesError, what, 'onInput')

/** `retry` tells mistakes in the claim or its template from what may pass. */
export const reconcilerError = (error: string, retry: Retry, options?: ErrorOptions): ClaimRefused =>
  new ClaimRefused(reason.reconcilerError, message.reconcilerError(error), retry, options)
