import { isDeepStrictEqual } from 'node:util'
import { type Sandbox, type SandboxStatus, sandboxWarmPools } from '../api/index.ts'
import { controllerOf, refersTo, type Stored } from '../controller/index.ts'
import { conditionOf } from './conditions-of.ts'
import { reason } from './wording.ts'

/** Part of a merge patch: null removes. */
export type StatusPatch = { readonly [Field in keyof SandboxStatus]?: SandboxStatus[Field] | null }

export type StatusWrite =
  | { readonly kind: 'none' }
  | { readonly kind: 'now'; readonly patch: StatusPatch }
  /** It is on its way to something: what comes next may be written instead, if it comes soon. */
  | { readonly kind: 'settle'; readonly patch: StatusPatch }

const fields = ['conditions', 'selector', 'podIPs', 'nodeName', 'service', 'serviceFQDN'] as const

/** Whether and when a status is written. Every write that can be left out is one more Sandbox that the API server can carry. */
export function planStatusWrite(before: SandboxStatus | undefined, after: SandboxStatus): StatusWrite {
  const changed = fields.filter((field) => !isDeepStrictEqual(before?.[field], after[field]))
  if (changed.length === 0) return { kind: 'none' }
  const isReady = conditionOf(after, 'Ready')?.status === 'True'
  if (!isReady && changed.every((field) => field === 'nodeName')) return { kind: 'none' }
  const patch = Object.fromEntries(changed.map((field) => [field, after[field] ?? null]))
  return { kind: isPassing(before) && isPassing(after) ? 'settle' : 'now', patch }
}

/** New, or starting: not Ready, not suspended, and nothing is wrong. */
function isPassing(status: SandboxStatus | undefined): boolean {
  const ready = conditionOf(status, 'Ready')
  if (!ready) return true
  const isStarting = ready.status === 'False' && ready.reason === reason.dependenciesNotReady
  return isStarting && conditionOf(status, 'Suspended')?.status === 'False'
}

/** Most Pods are Ready by then. */
const settleMs = 1_000
/** Nobody watches the members of a pool come up, and when many do, each of them takes longer. */
const poolSettleMs = 5_000

/**
 * How long a status that is on its way to something waits for it. `stage`: when it changes, the wait begins anew. A member of a pool that has an
 * address is of use to claims that wait.
 */
export function settleWindow(
  sandbox: Stored<Sandbox>,
  after: SandboxStatus,
  writeBehindMs: number
): { readonly stage: 'starting' | 'addressed'; readonly ms: number } {
  const stage = after.podIPs ? 'addressed' : 'starting'
  const owner = controllerOf(sandbox)
  const isPooled = owner !== undefined && refersTo(owner, sandboxWarmPools)
  return { stage, ms: Math.max(isPooled && stage === 'starting' ? poolSettleMs : settleMs, writeBehindMs) }
}
