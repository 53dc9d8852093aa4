import {
  annotation,
  type Sandbox,
  type SandboxClaim,
  type SandboxTemplate,
  type SandboxWarmPool,
} from '../api/index.ts'
import { keyOf, objectKey, type Stored } from '../controller/index.ts'
import type { ClaimWork } from './claim-work.ts'
import { isMarkedExpired } from './expiry.ts'
import type { Choice, Verdict } from './member-queue.ts'
import { podStateOf } from './member-state.ts'

/** So long a claim waits for members that have no address yet, instead of a start from nothing. */
export const patienceMs = 2_000
/** How often it looks again meanwhile, if nothing tells it to. */
export const lookAgainMs = 500

/** Gives the claim its member of the pool: first come, first served. What it got must be released. */
export function takeMember(
  work: ClaimWork,
  claim: Stored<SandboxClaim>,
  pool: Stored<SandboxWarmPool>,
  template: Stored<SandboxTemplate>
): Choice {
  const { members, line, arrivals, context } = work
  const { uid } = pool.metadata
  const { order, sinceMs } = arrivals.of(claim)
  const ahead = line.ahead(uid, order)
  const choice: Choice =
    ahead > 0 && members.available(uid) <= ahead
      ? { kind: 'pending' }
      : members.take(uid, (sandbox) => judge(work, sandbox, claim, pool, template))
  const hasPatience = context.clock.now() - sinceMs < patienceMs
  if (choice.kind === 'pending' && hasPatience) {
    line.join(uid, claim, order)
    return choice
  }
  line.leave(objectKey(claim))
  return choice.kind === 'pending' ? { kind: 'none' } : choice
}

function judge(
  { context, isStale }: ClaimWork,
  sandbox: Stored<Sandbox>,
  claim: Stored<SandboxClaim>,
  pool: Stored<SandboxWarmPool>,
  template: Stored<SandboxTemplate>
): Verdict {
  if (pool.spec.updateStrategy?.type === 'Recreate' && isStale(sandbox, template)) return 'skip'
  if (isPromised(context.caches.claims.store.by('sandbox', objectKey(sandbox)), claim)) return 'skip'
  if (!sandbox.status?.podIPs?.length) return 'take'
  const podState = podStateOf(context.caches.pods.store.get(podKeyOf(sandbox)))
  return podState === 'alive' ? 'take' : podState === 'gone' ? 'wait' : 'skip'
}

/** Another claim was given it, by a pass that has not come to its end. */
const isPromised = (others: readonly Stored<SandboxClaim>[], claim: Stored<SandboxClaim>): boolean =>
  others.some(
    (other) => other.metadata.uid !== claim.metadata.uid && !other.metadata.deletionTimestamp && !isMarkedExpired(other)
  )

export const podKeyOf = ({ metadata }: Stored<Sandbox>): string =>
  keyOf({ namespace: metadata.namespace, name: metadata.annotations?.[annotation.podName] ?? metadata.name })
