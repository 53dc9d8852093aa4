import { type SandboxClaim, sandboxClaims } from '../api/index.ts'
import {
  done,
  isConflict,
  isControlledBy,
  isNotFound,
  keyOf,
  type ReconcileResult,
  requeueAfter,
  type Stored,
} from '../controller/index.ts'
import { ownStatus, statusPatch } from './claim-status.ts'
import type { ClaimWork } from './claim-work.ts'
import { deleteSandbox, overtaken, patchClaim } from './claim-writes.ts'
import { message, reason } from './conditions.ts'
import type { Expiry } from './expiry.ts'

/** Time for clients to see why the claim ends. */
const afterMarkMs = 1

/** One step of a claim's end. */
export async function expireClaim(
  work: ClaimWork,
  claim: Stored<SandboxClaim>,
  step: Exclude<Expiry, { kind: 'lives' }>,
  signal: AbortSignal
): Promise<ReconcileResult> {
  if (step.kind === 'mark') {
    if (!(await say(work, claim, message.claimExpired, claim.status?.sandbox, signal))) return overtaken
    announce(work, claim, message.claimExpired)
    return requeueAfter(afterMarkMs)
  }
  if (step.kind === 'deleteClaim') {
    return (await deleteClaim(work, claim, step.propagation, signal)) ? done : overtaken
  }
  return retain(work, claim, signal)
}

/** The claim stays, to be read; what it claimed goes. */
async function retain(work: ClaimWork, claim: Stored<SandboxClaim>, signal: AbortSignal): Promise<ReconcileResult> {
  const { own, foreign } = sandboxesOf(work, claim)
  for (const sandbox of own) {
    if (!sandbox.metadata.deletionTimestamp) await deleteSandbox(work, sandbox, signal)
  }
  const left = sandboxesOf(work, claim).own.length > 0
  const text = foreign && own.length === 0 ? message.deletionSkipped : message.claimExpired
  return (await say(work, claim, text, left ? claim.status?.sandbox : null, signal)) ? done : overtaken
}

/** What the claim controls; and what it is about, if that is someone else's: by its status, else by its own name. */
function sandboxesOf({ context: { caches } }: ClaimWork, claim: Stored<SandboxClaim>) {
  const { namespace, name, uid } = claim.metadata
  const { store } = caches.sandboxes
  const named = store.get(keyOf({ namespace, name: claim.status?.sandbox?.name ?? name }))
  const own = store.by('controller', uid).filter((sandbox) => isControlledBy(sandbox, claim))
  return { own, foreign: named !== undefined && !isControlledBy(named, claim) }
}

/** False: the claim is not what it was. */
async function deleteClaim(
  work: ClaimWork,
  claim: Stored<SandboxClaim>,
  propagationPolicy: 'Foreground' | undefined,
  signal: AbortSignal
): Promise<boolean> {
  const { client, caches } = work.context
  const { uid } = claim.metadata
  try {
    const options = { preconditions: { uid }, signal, ...(propagationPolicy && { propagationPolicy }) }
    const left = await client.delete(sandboxClaims, claim.metadata, options)
    if (left?.metadata.deletionTimestamp) caches.claims.store.wrote(left)
    else caches.claims.store.deleted(claim)
  } catch (error) {
    if (!isNotFound(error, claim.metadata.name) && !isConflict(error)) throw error
    return false
  }
  announce(work, claim, `Deleted the expired claim (shutdownPolicy ${claim.spec.lifecycle?.shutdownPolicy})`)
  return true
}

/** False: the claim is not what it was. */
async function say(
  work: ClaimWork,
  claim: Stored<SandboxClaim>,
  text: string,
  sandbox: NonNullable<SandboxClaim['status']>['sandbox'] | null,
  signal: AbortSignal
): Promise<boolean> {
  const ready = { reason: reason.claimExpired, message: text }
  const patch = statusPatch(claim, ownStatus(claim, ready, work.context.clock.wall(), sandbox))
  return !patch || (await patchClaim(work, claim, patch, signal)) !== undefined
}

function announce({ context: { recorders, settings } }: ClaimWork, claim: Stored<SandboxClaim>, note: string): void {
  if (settings.disableClaimEvents) return
  recorders.claim.record(claim, { type: 'Normal', reason: reason.claimExpired, action: 'Expire', note })
}
