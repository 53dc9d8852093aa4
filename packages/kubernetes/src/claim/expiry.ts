import { type SandboxClaim, timeMs } from '../api/index.ts'
import { findCondition, type Stored } from '../controller/index.ts'
import { reason } from './conditions.ts'

/** The wall clock can be set while a timer runs, and the timer of a claim that is deleted is kept until its time. */
const longestRecheckMs = 3_600_000

export type Expiry =
  /** `inMs`: when it expires, or when to look again at a time that is far; undefined: it does not, as far as can be told. */
  | { readonly kind: 'lives'; readonly inMs: number | undefined }
  /** The client is told first, and acted is upon it in the pass after. */
  | { readonly kind: 'mark' }
  | { readonly kind: 'deleteClaim'; readonly propagation: 'Foreground' | undefined }
  | { readonly kind: 'deleteSandbox' }

export function planExpiry(claim: Stored<SandboxClaim>, wallMs: number): Expiry {
  const at = expiresAtMs(claim)
  if (at === undefined) return { kind: 'lives', inMs: undefined }
  if (at > wallMs) return { kind: 'lives', inMs: Math.min(at - wallMs, longestRecheckMs) }
  if (!isMarkedExpired(claim)) return { kind: 'mark' }
  const policy = claim.spec.lifecycle?.shutdownPolicy
  if (policy === 'Delete') return { kind: 'deleteClaim', propagation: undefined }
  if (policy === 'DeleteForeground') return { kind: 'deleteClaim', propagation: 'Foreground' }
  return { kind: 'deleteSandbox' }
}

export const isMarkedExpired = ({ status }: Stored<SandboxClaim>): boolean =>
  findCondition(status?.conditions, 'Ready')?.reason === reason.claimExpired

/** The earlier of both ends. What is no time is no end: an object written past the schema must not end anything. */
function expiresAtMs({ spec, status }: Stored<SandboxClaim>): number | undefined {
  const { shutdownTime, ttlSecondsAfterFinished: ttlSeconds } = spec?.lifecycle ?? {}
  const finished = findCondition(status?.conditions, 'Finished')
  const ends = [
    timeMs(shutdownTime),
    finished?.status === 'True' && typeof ttlSeconds === 'number'
      ? Date.parse(finished.lastTransitionTime) + ttlSeconds * 1000
      : undefined,
  ].filter((end) => end !== undefined && !Number.isNaN(end)) as number[]
  return ends.length > 0 ? Math.min(...ends) : undefined
}
