import { label, type Sandbox, type SandboxWarmPool, sandboxWarmPools, timeMs } from '../api/index.ts'
import { controllerOf, findCondition, keyOf, refersTo, type Stored } from '../controller/index.ts'
import { malformationOfSandbox } from '../malformation/index.ts'
import type { CachedPod } from '../operator/cached-pod.ts'

/** `ready`: to be taken at once. `starting`: has an address, and is taken when none is ready. `pending`: has none yet, and is waited for. */
export type MemberState = 'ready' | 'starting' | 'pending'

/** Reasons of a Ready condition that a Sandbox does not come back from by itself. */
const finalReasons: ReadonlySet<string> = new Set(['PodSucceeded', 'PodFailed', 'SandboxExpired'])

export const isReady = ({ status }: Stored<Sandbox>): boolean =>
  findCondition(status?.conditions, 'Ready')?.status === 'True'

/** Whether nothing will run in this Sandbox any more, or soon will not. */
export function isDead({ metadata, spec, status }: Stored<Sandbox>, wallMs: number): boolean {
  const ready = findCondition(status?.conditions, 'Ready')
  return (
    metadata.deletionTimestamp !== undefined ||
    findCondition(status?.conditions, 'Finished')?.status === 'True' ||
    (ready?.status === 'False' && finalReasons.has(ready.reason)) ||
    (timeMs(spec?.shutdownTime) ?? Number.POSITIVE_INFINITY) <= wallMs
  )
}

/** What a pool is known by: its uid, since another can have had its name, and its namespace, since a Sandbox of another one can say it has this owner. */
export const poolIdOf = ({ metadata: { namespace, uid } }: Stored<SandboxWarmPool>): string =>
  keyOf({ namespace, name: uid })

/** The pool, by {@link poolIdOf}, that a Sandbox is a member of. */
export function poolOf(sandbox: Stored<Sandbox>): string | undefined {
  const owner = controllerOf(sandbox)
  const { namespace } = sandbox.metadata
  return owner && refersTo(owner, sandboxWarmPools) ? keyOf({ namespace, name: owner.uid }) : undefined
}

/** Undefined: not to be given to a claim. */
export function memberStateOf(sandbox: Stored<Sandbox>, wallMs: number): MemberState | undefined {
  const { metadata, spec, status } = sandbox
  if (!poolOf(sandbox) || isDead(sandbox, wallMs) || spec?.operatingMode === 'Suspended') return undefined
  // One that cannot be read must not stand in the way of all claims.
  if (malformationOfSandbox(sandbox)) return undefined
  if (!metadata.labels?.[label.warmPoolSandbox] || !metadata.labels[label.sandboxTemplateRefHash]) return undefined
  if (!status?.podIPs?.length) return 'pending'
  return isReady(sandbox) ? 'ready' : 'starting'
}

/**
 * A Sandbox's status is older than what is known of its Pod. `gone`: a new one is about to be made. `dying`: it ends, or has, while the Sandbox still is
 * called Ready.
 */
export function podStateOf(pod: Stored<CachedPod> | undefined): 'alive' | 'gone' | 'dying' {
  if (!pod) return 'gone'
  const { phase } = pod.status ?? {}
  return pod.metadata.deletionTimestamp || phase === 'Succeeded' || phase === 'Failed' ? 'dying' : 'alive'
}
