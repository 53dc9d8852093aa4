import { isDeepStrictEqual } from 'node:util'
import {
  nameHash,
  type Sandbox,
  type SandboxClaim,
  type SandboxTemplate,
  type SandboxWarmPool,
  sandboxClaims,
} from '../api/index.ts'
import {
  type Change,
  findCondition,
  keyOf,
  objectKey,
  type Stored,
  toController,
  type Wanted,
} from '../controller/index.ts'
import type { Caches } from '../operator/operator-context.ts'

/** Whether it may have no Sandbox: also one that has lost it still names it, while it cannot have another. */
const mayBeUnbound = ({ status }: Stored<SandboxClaim>): boolean =>
  status?.sandbox?.name === undefined || findCondition(status.conditions, 'Ready')?.status !== 'True'

/** Before all others goes a claim that somebody waits for. */
const wanted = (claim: Stored<SandboxClaim>): Wanted => ({
  key: objectKey(claim),
  lane: findCondition(claim.status?.conditions, 'Ready')?.status === 'True' ? 'normal' : 'urgent',
})

/** The claim itself, as it is known now: the change may be an old one of this process. */
export function ofClaim({ claims }: Caches, { object }: Change<SandboxClaim>): Wanted[] {
  return [wanted(claims.store.get(objectKey(object)) ?? object)]
}

/** The claim that has the Sandbox, or had it; and one that waits for its name to be free. */
export function ofSandbox({ claims }: Caches, change: Change<Sandbox>): Wanted[] {
  if (change.type === 'updated' && !concernsClaims(change.old, change.object)) return []
  const keys = [...toController<Sandbox>(sandboxClaims)(change)].map((each) =>
    typeof each === 'string' ? each : each.key
  )
  if (change.type === 'deleted') keys.push(objectKey(change.object))
  return [...new Set(keys)].flatMap((key) => {
    const claim = claims.store.get(key)
    return claim ? [wanted(claim)] : []
  })
}

function concernsClaims(old: Stored<Sandbox>, now: Stored<Sandbox>): boolean {
  const part = ({ metadata, status }: Stored<Sandbox>) => [
    metadata.ownerReferences,
    metadata.deletionTimestamp,
    findCondition(status?.conditions, 'Ready'),
    findCondition(status?.conditions, 'Finished'),
    status?.podIPs,
    status?.serviceFQDN,
  ]
  return !isDeepStrictEqual(part(old), part(now))
}

/** Claims of a pool that was made, deleted or described anew, as long as they have no Sandbox: others do not care. */
export function ofPool({ claims }: Caches, change: Change<SandboxWarmPool>): Wanted[] {
  const { metadata } = change.object
  if (change.type === 'updated' && change.old.metadata.generation === metadata.generation) return []
  return claims.store.by('pool', objectKey(change.object)).filter(mayBeUnbound).map(wanted)
}

/**
 * Claims that could not be served without this template, or with what it said before: those of its pools, and those whose Sandbox was made from it,
 * whatever their pool says by now.
 */
export function ofTemplate({ claims, pools, sandboxes }: Caches, change: Change<SandboxTemplate>): Wanted[] {
  const { namespace, name, generation } = change.object.metadata
  if (change.type === 'deleted' || (change.type === 'updated' && change.old.metadata.generation === generation))
    return []
  const ofPools = pools.store
    .by('template', keyOf({ namespace, name }))
    .flatMap((pool) => claims.store.by('pool', objectKey(pool)))
  const ofSandboxes = sandboxes.store
    .by('template', `${namespace}/${nameHash(name)}`)
    .flatMap((sandbox) => claims.store.by('sandbox', objectKey(sandbox)))
  return [...new Set([...ofPools, ...ofSandboxes])].filter(mayBeUnbound).map(wanted)
}
