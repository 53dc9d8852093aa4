import { isDeepStrictEqual } from 'node:util'
import type { Sandbox, SandboxClaim, SandboxClaimStatus } from '../api/index.ts'
import { type Condition, findCondition, type NewCondition, type Stored, withCondition } from '../controller/index.ts'
import { message, reason } from './conditions.ts'

/** What a bound claim says: the Sandbox's own Ready and Finished. */
export function boundStatus(claim: Stored<SandboxClaim>, sandbox: Stored<Sandbox>, wallMs: number): SandboxClaimStatus {
  const { conditions, podIPs, serviceFQDN } = sandbox.status ?? {}
  const ready = findCondition(conditions, 'Ready')
  const finished = findCondition(conditions, 'Finished')
  const forwarded: NewCondition = ready ?? {
    type: 'Ready',
    status: 'False',
    reason: reason.sandboxNotReady,
    message: message.sandboxNotReady,
  }
  return {
    conditions: sorted(readyOf(claim, forwarded, wallMs), finished),
    sandbox: {
      name: sandbox.metadata.name,
      ...(podIPs?.length && { podIPs }),
      ...(serviceFQDN && { serviceFQDN }),
    },
  }
}

/** What a claim says that is not, or no longer, what its Sandbox says. Its Sandbox stays named unless `sandbox` says otherwise; null: none. */
export function ownStatus(
  claim: Stored<SandboxClaim>,
  ready: { readonly reason: string; readonly message: string },
  wallMs: number,
  sandbox: SandboxClaimStatus['sandbox'] | null = claim.status?.sandbox
): SandboxClaimStatus {
  const { conditions } = claim.status ?? {}
  const { reason, message } = ready
  return {
    conditions: sorted(
      readyOf(claim, { type: 'Ready', status: 'False', reason, message }, wallMs),
      findCondition(conditions, 'Finished')
    ),
    ...(sandbox && { sandbox }),
  }
}

/** What has to be written; undefined when it says so already. */
export function statusPatch(
  { status = {} }: Stored<SandboxClaim>,
  next: SandboxClaimStatus
): { readonly status: object } | undefined {
  if (isDeepStrictEqual(status.conditions, next.conditions) && isDeepStrictEqual(status.sandbox, next.sandbox))
    return undefined
  const { sandbox } = next
  // A merge patch keeps what it does not name.
  const named = sandbox ? { podIPs: null, serviceFQDN: null, ...sandbox } : null
  return { status: { conditions: next.conditions, sandbox: named } }
}

function readyOf({ metadata, status }: Stored<SandboxClaim>, ready: NewCondition, wallMs: number): Condition {
  const set = withCondition(status?.conditions, { ...ready, ...observed(metadata.generation) }, wallMs)
  return findCondition(set, 'Ready') as Condition
}

const observed = (observedGeneration: number | undefined) =>
  observedGeneration === undefined ? {} : { observedGeneration }

const sorted = (ready: Condition, finished: Condition | undefined): readonly Condition[] =>
  finished ? [finished, ready] : [ready]
