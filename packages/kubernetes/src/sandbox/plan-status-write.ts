import { isDeepStrictEqual } from 'node:util'
import { type Sandbox, type SandboxStatus, sandboxWarmPools } from '../api/index.ts'
import { controllerOf, refersTo, type Stored } from '../controller/index.ts'
import { isAlarming, isSameKernel } from '../evidence/kernel-status.ts'
import { conditionOf } from './conditions-of.ts'
import { reason } from './wording.ts'

/** Part of a merge patch: null removes. */
export type StatusPatch = { readonly [Field in keyof SandboxStatus]?: SandboxStatus[Field] | null }

export type StatusWrite =
  | { readonly kind: 'none' }
  | { readonly kind: 'now'; readonly patch: StatusPatch }
  /** It is on its way to something: what comes next may be written instead, if it comes soon. */
  | { readonly kind: 'settle'; readonly patch: StatusPatch }

const fields = ['conditions', 'selector', 'podIPs', 'nodeName', 'service', 'serviceFQDN', 'kernel'] as const

/** Whether and when a status is written. Every write that can be left out is one more Sandbox that the API server can carry. */
export function planStatusWrite(before: SandboxStatus | undefined, after: SandboxStatus): StatusWrite {
  const changed = fields.filter((field) => !isDeepStrictEqual(before?.[field], after[field]))
  if (changed.length === 0) return { kind: 'none' }
  const isReady = conditionOf(after, 'Ready')?.status === 'True'
  if (!isReady && changed.every((field) => field === 'nodeName')) return { kind: 'none' }
  const onlyKernel = changed.every((field) => field === 'kernel')
  // When it was seen is no reason to write.
  if (onlyKernel && isSameKernel(before?.kernel, after.kernel)) return { kind: 'none' }
  const patch = Object.fromEntries(changed.map((field) => [field, patchOf(before, after, field)]))
  if (changed.includes('kernel') && isAlarming(before?.kernel, after.kernel)) return { kind: 'now', patch }
  return { kind: onlyKernel || (isPassing(before) && isPassing(after)) ? 'settle' : 'now', patch }
}

/** In a merge patch what is absent stays: of an object, each member that is to go is named. */
function patchOf(before: SandboxStatus | undefined, after: SandboxStatus, field: (typeof fields)[number]): unknown {
  if (field !== 'kernel' || !after.kernel) return after[field] ?? null
  return { ...Object.fromEntries(Object.keys(before?.kernel ?? {}).map((name) => [name, null])), ...after.kernel }
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
/** Good news of a kernel: it is written with what comes next, if that comes soon; to a member of a pool comes a claim. */
const kernelSettleMs = 2_000
const poolKernelSettleMs = 60_000

/**
 * How long a status that is on its way to something waits for it. `stage`: when it changes, the wait begins anew. A member of a pool that has an
 * address is of use to claims that wait.
 */
export function settleWindow(
  sandbox: Stored<Sandbox>,
  after: SandboxStatus,
  writeBehindMs: number
): { readonly stage: 'starting' | 'addressed' | 'witnessed'; readonly ms: number } {
  const owner = controllerOf(sandbox)
  const isPooled = owner !== undefined && refersTo(owner, sandboxWarmPools)
  if (!isPassing(after)) return { stage: 'witnessed', ms: isPooled ? poolKernelSettleMs : kernelSettleMs }
  const stage = after.podIPs ? 'addressed' : 'starting'
  return { stage, ms: Math.max(isPooled && stage === 'starting' ? poolSettleMs : settleMs, writeBehindMs) }
}
