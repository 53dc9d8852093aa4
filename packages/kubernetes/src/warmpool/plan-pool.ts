import { label, nameHash, type Sandbox, type SandboxTemplate, type SandboxWarmPool } from '../api/index.ts'
import { controllerOf, isControlledBy, type Stored } from '../controller/index.ts'
import { hasContent, isStale } from './is-stale.ts'
import { createdAtMs, endOf, isReady, startedAtMs, unschedulable } from './member-state.ts'
import { templateHashes } from './template-hashes.ts'

/** Why a Sandbox is deleted. */
export type RemovalReason =
  /** Nobody's, and not what the template makes. */
  | 'ownerless'
  /** Its Pod has ended. */
  | 'ended'
  /** Not what the template makes any more, under `Recreate`. */
  | 'stale'
  /** Not Ready within the grace period. */
  | 'overdue'
  /** More than wanted. */
  | 'surplus'

export interface Removal {
  readonly sandbox: Stored<Sandbox>
  readonly reason: RemovalReason
}

/** What a pass over a pool goes by. */
export interface PoolObservation {
  readonly pool: Stored<SandboxWarmPool>
  /** Undefined: there is none, or none that Sandboxes can be made of. */
  readonly template: Stored<SandboxTemplate> | undefined
  /** All Sandboxes with the pool's label, whoever owns them. */
  readonly labelled: readonly Stored<Sandbox>[]
  /** Whether another pool of the namespace has the same label value: an ownerless Sandbox can be of either. */
  readonly sharesLabel: boolean
  /** Whether a claim has been given the Sandbox and is about to take it. */
  readonly isReserved: (sandbox: Stored<Sandbox>) => boolean
  /** Creates or deletes of our own have not been seen yet: members cannot be counted. */
  readonly isUncertain: boolean
  /** In how many ms a member whose Pod has ended may be replaced; 0: now. */
  readonly replaceInMs: (ended: Stored<Sandbox>) => number
  readonly wallMs: number
  /** How long this controller has been at work. While none was, nobody wrote that a Sandbox is Ready. */
  readonly atWorkMs: number
  readonly graceMs: number
  readonly recheckMs: number
}

export interface PoolPlan {
  readonly adopt: readonly Stored<Sandbox>[]
  readonly remove: readonly Removal[]
  /** Places to fill; undefined: nothing is to be created now. */
  readonly missing: number | undefined
  /** Members whose Pods have been refused by all nodes for longer than the grace period. */
  readonly stuck: readonly Stored<Sandbox>[]
  /** In how many ms to look again even if nothing happens. */
  readonly againMs?: number
}

/** When a reserved Sandbox has not been taken by then, look at it again. */
const reservedRecheckMs = 5_000

/** What one pass does about a pool. How many places are filled at once is not said here. */
export function planPool(observed: PoolObservation): PoolPlan {
  const { pool, labelled, isUncertain } = observed
  const wanted = wantedReplicas(pool)
  const { adopt, foreign } = sortOwnerless(observed)
  const active = activeMembers(pool, labelled)
  const { removals, stuck, againMs: judgedAgainMs } = judge(active, observed)
  let againMs = judgedAgainMs
  if (!isUncertain) {
    const going = new Set(removals.map(({ sandbox }) => sandbox))
    const kept = active.filter((sandbox) => !going.has(sandbox))
    const surplus = surplusOf(kept, kept.length - wanted, observed)
    removals.push(...surplus)
    if (surplus.length < kept.length - wanted) againMs = Math.min(againMs, reservedRecheckMs)
  }
  const terminating = labelled.filter((sandbox) => sandbox.metadata.deletionTimestamp && isControlledBy(sandbox, pool))
  // Who goes holds a place until gone, who is adopted has it already: whatever becomes of that, no place is filled twice.
  const taken = active.length + terminating.length + adopt.length
  return {
    adopt,
    remove: [...foreign, ...removals],
    missing: isUncertain || !observed.template ? undefined : Math.max(0, wanted - taken),
    stuck,
    ...(Number.isFinite(againMs) && { againMs }),
  }
}

export const wantedReplicas = ({ spec: { replicas = 1 } }: Stored<SandboxWarmPool>): number => replicas

/** By the owner's uid: another pool can have had the name, or have a name with the same hash. */
export const activeMembers = (pool: Stored<SandboxWarmPool>, labelled: readonly Stored<Sandbox>[]) =>
  labelled.filter((sandbox) => !sandbox.metadata.deletionTimestamp && isControlledBy(sandbox, pool))

function sortOwnerless({ labelled, template, sharesLabel }: PoolObservation) {
  const ownerless = labelled.filter((sandbox) => !sandbox.metadata.deletionTimestamp && !controllerOf(sandbox))
  const adopt = template ? ownerless.filter((sandbox) => matches(sandbox, template)) : []
  const foreign: Removal[] =
    template && !sharesLabel
      ? ownerless.filter((sandbox) => !adopt.includes(sandbox)).map((sandbox) => ({ sandbox, reason: 'ownerless' }))
      : []
  return { adopt, foreign }
}

/** A hash is somebody's word; what nobody of ours made is looked at itself. */
const matches = (sandbox: Stored<Sandbox>, template: Stored<SandboxTemplate>): boolean =>
  sandbox.metadata.labels?.[label.sandboxTemplateRefHash] === nameHash(template.metadata.name) &&
  hasContent(sandbox, templateHashes(template).blueprint)

/** Which members go for what they are, and not for being too many. */
function judge(active: readonly Stored<Sandbox>[], observed: PoolObservation) {
  const removals: Removal[] = []
  const stuck: Stored<Sandbox>[] = []
  let againMs = Number.POSITIVE_INFINITY
  const lookIn = (ms: number) => {
    againMs = Math.min(againMs, ms)
  }
  for (const sandbox of active) {
    const verdict = verdictOn(sandbox, observed)
    if (verdict.kind === 'stays') lookIn(verdict.againMs ?? Number.POSITIVE_INFINITY)
    else if (verdict.kind === 'stuck') {
      stuck.push(sandbox)
      lookIn(observed.recheckMs)
    } else if (verdict.reason !== 'ended' && observed.isReserved(sandbox)) lookIn(reservedRecheckMs)
    else removals.push({ sandbox, reason: verdict.reason })
  }
  return { removals, stuck, againMs }
}

type Verdict =
  | { readonly kind: 'stays'; readonly againMs?: number }
  | { readonly kind: 'stuck' }
  | { readonly kind: 'goes'; readonly reason: RemovalReason }

function verdictOn(sandbox: Stored<Sandbox>, observed: PoolObservation): Verdict {
  const { pool, template } = observed
  const replaceInMs = endOf(sandbox) ? observed.replaceInMs(sandbox) : undefined
  if (replaceInMs === 0) return { kind: 'goes', reason: 'ended' }
  if (template && pool.spec.updateStrategy?.type === 'Recreate' && isStale(sandbox, template))
    return { kind: 'goes', reason: 'stale' }
  // Until its turn it keeps its place, for people to look at.
  if (replaceInMs !== undefined) return { kind: 'stays', againMs: replaceInMs }
  if (isReady(sandbox)) return { kind: 'stays' }
  const { wallMs, atWorkMs, graceMs } = observed
  const leftMs = graceMs - Math.min(Math.max(wallMs - startedAtMs(sandbox), 0), atWorkMs)
  if (leftMs > 0) return { kind: 'stays', againMs: leftMs }
  return unschedulable(sandbox) ? { kind: 'stuck' } : { kind: 'goes', reason: 'overdue' }
}

/** Those that cost least: un-Ready ones first, then the newest. What a claim is about to take is not ours to take away. */
function surplusOf(kept: readonly Stored<Sandbox>[], count: number, { isReserved }: PoolObservation): Removal[] {
  if (count <= 0) return []
  const byCost = kept.toSorted(
    (a, b) =>
      Number(isReady(a)) - Number(isReady(b)) ||
      createdAtMs(b) - createdAtMs(a) ||
      (a.metadata.name < b.metadata.name ? 1 : -1)
  )
  return byCost
    .filter((sandbox) => !isReserved(sandbox))
    .slice(0, count)
    .map((sandbox) => ({ sandbox, reason: 'surplus' }))
}
