import { isDeepStrictEqual } from 'node:util'
import type { IsolationPolicy, IsolationPolicyStatus } from '../api/index.ts'
import { type Stored, withCondition } from '../controller/index.ts'

/** Reasons of the condition Ready. The first two: True. */
export const readyReason = Object.freeze({
  enforced: 'Enforced',
  withoutDefaults: 'EnforcedWithoutDefaults',
  invalidSpec: 'InvalidSpec',
  refused: 'RefusedByApiServer',
  unsupported: 'AdmissionPoliciesUnavailable',
})

export type Outcome =
  | { readonly kind: 'enforced'; readonly hash: string; readonly lacksDefaults: boolean }
  /** What was in place before still is. */
  | {
      readonly kind: 'failed'
      readonly reason: 'InvalidSpec' | 'RefusedByApiServer' | 'AdmissionPoliciesUnavailable'
      readonly message: string
    }

const messages = {
  Deny: 'the API server refuses Pods that do not comply',
  Warn: 'the API server warns of Pods that do not comply, and refuses none',
  Audit: 'the API server notes Pods that do not comply in its audit log, and refuses none',
} as const

/** What a policy's status is to say; undefined: what it says already. */
export function planIsolationStatus(
  { metadata, spec, status }: Stored<IsolationPolicy>,
  outcome: Outcome,
  wallMs: number
): IsolationPolicyStatus | undefined {
  const { generation: observedGeneration = 0 } = metadata
  const ready = { type: 'Ready', observedGeneration, ...wordingOf(outcome, spec?.violation ?? 'Deny') } as const
  const next: IsolationPolicyStatus = {
    conditions: withCondition(status?.conditions, ready, wallMs),
    ...(outcome.kind === 'enforced'
      ? { compiled: { hash: outcome.hash } }
      : status?.compiled && { compiled: status.compiled }),
    observedGeneration,
  }
  return isDeepStrictEqual(next, status) ? undefined : next
}

function wordingOf(outcome: Outcome, violation: keyof typeof messages) {
  if (outcome.kind === 'failed') return { status: 'False', reason: outcome.reason, message: outcome.message } as const
  if (!outcome.lacksDefaults)
    return { status: 'True', reason: readyReason.enforced, message: messages[violation] } as const
  const message = `${messages[violation]}; it has no MutatingAdmissionPolicy, so nothing is filled in: Pods must set for themselves what they are refused for`
  return { status: 'True', reason: readyReason.withoutDefaults, message } as const
}
