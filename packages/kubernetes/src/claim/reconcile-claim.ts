import { annotation, type Sandbox, type SandboxClaim } from '../api/index.ts'
import {
  done,
  findCondition,
  isConflict,
  isControlledBy,
  isForbidden,
  isInvalid,
  isNamespaceTerminating,
  isNotFound,
  keyOf,
  networkPolicies,
  type ReconcileResult,
  requeueAfter,
  type Stored,
} from '../controller/index.ts'
import { isWarm } from './adoption.ts'
import { type Binding, bindClaim } from './bind-claim.ts'
import { ClaimRefused, reconcilerError } from './claim-refused.ts'
import { boundStatus, ownStatus, statusPatch } from './claim-status.ts'
import type { ClaimWork } from './claim-work.ts'
import { overtaken, patchClaim, patchSandbox } from './claim-writes.ts'
import { expireClaim } from './expire-claim.ts'
import { planExpiry } from './expiry.ts'
import { assignedName } from './find-sandbox.ts'
import { planInStep } from './keep-in-step.ts'
import { isReady } from './member-state.ts'
import { stampsPatch } from './stamps.ts'
import { lookAgainMs } from './take-member.ts'

/** Until what is missing is looked for again, if nothing tells that it is there. */
const missingMs = 60_000
/** A Sandbox that was just made for a claim has so long to say something of itself before the claim says that it does not. Most are Ready by then. */
const settleMs = 1_000
/** Failures that may pass by themselves are told once there have been so many: a claim's condition is not to flicker with the API server. */
const toldFailures = 3

/** One pass over one claim. */
export async function reconcileClaim(work: ClaimWork, key: string, signal: AbortSignal): Promise<ReconcileResult> {
  const { caches, clock } = work.context
  const claim = caches.claims.store.get(key)
  if (!claim) {
    work.line.leave(key)
    work.arrivals.forget(key)
    return done
  }
  await removeOldNetworkPolicy(work, claim, signal)
  if (claim.metadata.deletionTimestamp) {
    work.line.leave(key)
    return done
  }
  work.arrivals.of(claim)
  const expiry = planExpiry(claim, clock.wall())
  if (expiry.kind !== 'lives') {
    work.line.leave(key)
    return expireClaim(work, claim, expiry, signal)
  }
  let binding: Binding
  try {
    binding = await bindClaim(work, claim, signal)
  } catch (error) {
    return explain(work, key, error, signal)
  }
  if (binding.kind === 'waits') return requeueAfter(lookAgainMs, 'urgent')
  // However it got what it has: a place that it kept would cost all who come later a member.
  work.line.leave(key)
  if (binding.kind === 'gone') return done
  // From here on the claim says what its Sandbox says: a failure of ours does not change that.
  return settle(work, claim, binding.claim, binding.sandbox, signal)
}

/** The claim says what its Sandbox says; then what is less urgent. `first`: the claim as this pass found it. */
async function settle(
  work: ClaimWork,
  first: Stored<SandboxClaim>,
  claim: Stored<SandboxClaim>,
  sandbox: Stored<Sandbox>,
  signal: AbortSignal
): Promise<ReconcileResult> {
  const unsettledMs = unsettled(work, claim, sandbox)
  if (unsettledMs > 0) return requeueAfter(unsettledMs, 'urgent')
  const wallMs = work.context.clock.wall()
  const step = planned(() => planInStep(work, claim, sandbox))
  const next = boundStatus(claim, sandbox, wallMs)
  const status = step instanceof ClaimRefused ? ownStatus(claim, step, wallMs, next.sandbox) : next
  const patch = statusPatch(claim, status)
  const told = patch ? await patchClaim(work, claim, patch, signal) : claim
  if (!told) return overtaken
  announce(work, first, told, sandbox)
  if (!(await stamp(work, first, told, sandbox, signal))) return overtaken
  if (step && !(step instanceof ClaimRefused)) {
    const kept = await patchSandbox(work, sandbox, step, signal)
    // The change that was in the way need not bring the claim back.
    if (!kept) return requeueAfter(lookAgainMs)
  }
  return step instanceof ClaimRefused ? untilNext(told, step, wallMs) : untilExpiry(told, wallMs)
}

/** For how long what the claim could say is not worth a write: it would be about nothing, and compete with the creation of the Pod. */
function unsettled(work: ClaimWork, claim: Stored<SandboxClaim>, sandbox: Stored<Sandbox>): number {
  if (claim.status?.sandbox?.name !== undefined || findCondition(sandbox.status?.conditions, 'Ready')) return 0
  const now = work.context.clock.now()
  const arrival = work.arrivals.of(claim)
  arrival.boundAtMs ??= now
  return arrival.boundAtMs + settleMs - now
}

function planned(plan: () => object | undefined): object | ClaimRefused | undefined {
  try {
    return plan()
  } catch (error) {
    if (error instanceof ClaimRefused) return error
    throw error
  }
}

/** Tells people, once the claim's status names the Sandbox: a pass that was cut short before that tells it in the next. */
function announce(
  { context: { recorders, settings, metrics } }: ClaimWork,
  first: Stored<SandboxClaim>,
  claim: Stored<SandboxClaim>,
  sandbox: Stored<Sandbox>
): void {
  const before = first.status?.sandbox?.name
  const { name } = sandbox.metadata
  if (before === name) return
  if (!before) metrics.claimGotSandbox(claim, sandbox, isReady(sandbox))
  if (settings.disableClaimEvents) return
  const [reason, action, note] = isWarm(sandbox)
    ? ['SandboxAdopted', 'Adopt', `Adopted warm pool Sandbox "${name}"`]
    : ['SandboxProvisioned', 'Create', `Created Sandbox "${name}"`]
  recorders.claim.record(claim, { type: 'Normal', reason, action, note, related: sandbox })
}

/**
 * What the assignment could not say yet, in one write; none for a claim that was given a Ready member. Counts the first Ready. False: the claim is not
 * what it was.
 */
async function stamp(
  work: ClaimWork,
  first: Stored<SandboxClaim>,
  claim: Stored<SandboxClaim>,
  sandbox: Stored<Sandbox>,
  signal: AbortSignal
): Promise<boolean> {
  const { metrics, settings, clock } = work.context
  const arrival = work.arrivals.of(claim)
  const isStamped = !settings.disableClaimObservabilityAnnotations
  const wasBound = first.status?.sandbox?.name !== undefined
  const wasReady = findCondition(first.status?.conditions, 'Ready')?.status === 'True'
  const isNowReady = findCondition(claim.status?.conditions, 'Ready')?.status === 'True'
  if (isNowReady && !wasReady) arrival.readyAt ??= work.arrivals.nowText()
  const readyAt = isNowReady ? (arrival.readyAt ?? 'unknown') : wasBound ? undefined : null
  const { name } = sandbox.metadata
  const patch = stampsPatch(claim, {
    sandboxName: isWarm(sandbox) && assignedName(claim) === name ? name : null,
    observedAt: isStamped ? arrival.observedAt : undefined,
    readyAt: isStamped ? readyAt : undefined,
  })
  // Set only when this process saw it happen.
  const sawFirstReady =
    isNowReady && arrival.readyAt && !(wasBound && first.metadata.annotations?.[annotation.claimFirstReadyAt])
  if (patch && !(await patchClaim(work, claim, patch, signal))) return false
  if (sawFirstReady && !arrival.counted) {
    arrival.counted = true
    metrics.claimBecameReady(claim, sandbox, clock.wall())
  }
  return true
}

/** The claim says why it has no Sandbox; and when it is looked at again. */
async function explain(work: ClaimWork, key: string, error: unknown, signal: AbortSignal): Promise<ReconcileResult> {
  const { caches, clock, settings } = work.context
  work.line.leave(key)
  // Nothing is made there any more; the claim goes with it.
  if (isNamespaceTerminating(error)) return done
  const claim = caches.claims.store.get(key)
  const refusal = refusalOf(error, work.failures(key))
  if (!claim || !refusal) throw error
  const patch = statusPatch(claim, ownStatus(claim, refusal, clock.wall(), namedSandbox(work, claim)))
  const told = patch ? await patchClaim(work, claim, patch, signal) : claim
  if (!told) return overtaken
  const { observedAt } = work.arrivals.of(told)
  const stamps = stampsPatch(told, {
    sandboxName: assignedName(told) ?? null,
    observedAt: settings.disableClaimObservabilityAnnotations ? undefined : observedAt,
  })
  if (stamps && !(await patchClaim(work, told, stamps, signal))) return overtaken
  if (refusal.retry === 'soon') throw refusal
  return untilNext(told, refusal, clock.wall())
}

/** What a claim that has no Sandbox says of the one it had: nothing, when the name is somebody else's by now, or always was. */
function namedSandbox({ context: { caches } }: ClaimWork, claim: Stored<SandboxClaim>) {
  const { sandbox } = claim.status ?? {}
  if (!sandbox?.name) return null
  const named = caches.sandboxes.store.get(keyOf({ namespace: claim.metadata.namespace, name: sandbox.name }))
  return named && !isControlledBy(named, claim) ? null : sandbox
}

/** What is told of a pass that failed; undefined when nothing is, yet. */
function refusalOf(error: unknown, failures: number): ClaimRefused | undefined {
  if (error instanceof ClaimRefused) return error
  const isFinal = isForbidden(error) || isInvalid(error)
  if (isConflict(error) || isNotFound(error) || (!isFinal && failures < toldFailures)) return undefined
  const text = error instanceof Error ? error.message : String(error)
  return reconcilerError(text, 'soon', { cause: error })
}

function untilNext(claim: Stored<SandboxClaim>, { retry }: ClaimRefused, wallMs: number): ReconcileResult {
  const expiry = untilExpiry(claim, wallMs)
  if (retry === 'onInput') return expiry
  return requeueAfter(expiry.kind === 'requeue' ? Math.min(expiry.afterMs, missingMs) : missingMs, 'urgent')
}

function untilExpiry(claim: Stored<SandboxClaim>, wallMs: number): ReconcileResult {
  const expiry = planExpiry(claim, wallMs)
  if (expiry.kind !== 'lives') return requeueAfter(0)
  return expiry.inMs === undefined ? done : requeueAfter(expiry.inMs)
}

/** Versions of the API before templates had one gave each claim a NetworkPolicy of its own. */
async function removeOldNetworkPolicy(
  { context: { client, caches } }: ClaimWork,
  claim: Stored<SandboxClaim>,
  signal: AbortSignal
): Promise<void> {
  const { namespace, name } = claim.metadata
  const policy = caches.networkPolicies.store.get(keyOf({ namespace, name: `${name}-network-policy` }))
  if (!policy || !isControlledBy(policy, claim)) return
  const { uid } = policy.metadata
  await client.delete(networkPolicies, policy.metadata, { preconditions: { uid }, signal }).catch((error) => {
    if (!isNotFound(error, policy.metadata.name)) throw error
  })
  caches.networkPolicies.store.deleted(policy)
}
