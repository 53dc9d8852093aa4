import { isDeepStrictEqual } from 'node:util'
import type { SandboxStatus } from '../api/index.ts'
import { findCondition } from '../controller/index.ts'
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
  const isReady = findCondition(after.conditions, 'Ready')?.status === 'True'
  if (!isReady && changed.every((field) => field === 'nodeName')) return { kind: 'none' }
  const patch = Object.fromEntries(changed.map((field) => [field, after[field] ?? null]))
  return { kind: isPassing(before) && isPassing(after) ? 'settle' : 'now', patch }
}

/** New, or starting: not Ready, not suspended, and nothing is wrong. */
function isPassing(status: SandboxStatus | undefined): boolean {
  const ready = findCondition(status?.conditions, 'Ready')
  if (!ready) return true
  const isStarting = ready.status === 'False' && ready.reason === reason.dependenciesNotReady
  return isStarting && findCondition(status?.conditions, 'Suspended')?.status === 'False'
}
