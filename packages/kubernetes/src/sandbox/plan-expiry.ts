import { type Sandbox, type SandboxStatus, timeMs } from '../api/index.ts'
import { type Stored, withCondition, withoutCondition } from '../controller/index.ts'
import { conditionOf, conditionsOf } from './conditions-of.ts'
import { message, reason } from './wording.ts'

/** Never sooner: a time that has nearly come is not worth a pass of its own. */
const shortestRecheckMs = 2_000
/** Timers run on a clock that stands still while the machine sleeps, and the wall clock can be set: a far time is looked at again in between. */
const longestRecheckMs = 3_600_000

/** `recheckMs`: when to look at the clock again; undefined: it never expires. */
export type Expiry = { readonly kind: 'alive'; readonly recheckMs: number | undefined } | { readonly kind: 'expired' }

export function planExpiry({ spec }: { readonly spec?: Partial<Sandbox['spec']> }, wallMs: number): Expiry {
  const at = timeMs(spec?.shutdownTime)
  // What is no time is no end: see `malformationOfSandbox`.
  if (at === undefined) return { kind: 'alive', recheckMs: undefined }
  const leftMs = at - wallMs
  if (leftMs <= 0) return { kind: 'expired' }
  return { kind: 'alive', recheckMs: Math.min(Math.max(leftMs, shortestRecheckMs), longestRecheckMs) }
}

/** The first thing that becomes of an expired Sandbox: everybody is told, before anything of it goes. */
export function expiredStatus({ status = {}, metadata }: Stored<Sandbox>, wallMs: number): SandboxStatus {
  const { generation } = metadata
  const ready = {
    type: 'Ready',
    status: 'False',
    reason: reason.sandboxExpired,
    message: message.expired,
    ...(generation !== undefined && { observedGeneration: generation }),
  } as const
  return { ...status, conditions: withoutCondition(withCondition(conditionsOf(status), ready, wallMs), 'PodScheduled') }
}

/** What stays in the status of an expired Sandbox that is kept. */
export const retainedStatus = ({ conditions }: SandboxStatus): SandboxStatus => (conditions ? { conditions } : {})

export const isMarkedExpired = (status: SandboxStatus | undefined): boolean =>
  conditionOf(status, 'Ready')?.reason === reason.sandboxExpired
