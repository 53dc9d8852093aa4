import type { Lease } from '../client/core-resources.ts'
import type { Stored } from '../client/kubernetes-object.ts'

export type LeaseSpec = NonNullable<Lease['spec']>

/** A lease as it was read, and when this record was first seen, on the local monotonic clock. */
export interface Observation {
  readonly lease: Stored<Lease>
  readonly firstSeenMs: number
}

export interface Candidate {
  readonly identity: string
  /** How long others wait after the last change they saw. */
  readonly leaseDurationMs: number
}

export type ElectionStep =
  | { readonly kind: 'create'; readonly spec: LeaseSpec }
  /** Write over this lease, if it still has the version that was read. */
  | { readonly kind: 'replace'; readonly lease: Stored<Lease>; readonly spec: LeaseSpec }
  | { readonly kind: 'wait'; readonly holder: string; readonly freeAtMs: number }

/**
 * What a candidate, or the leader, does about the lease; pure. Whether somebody else's lease has run out is told by the local monotonic clock alone:
 * it has when the record did not change for its whole duration since this process first saw it. The times written in it are for people; no
 * clock is compared with another. (The rule of client-go's leaderelection.)
 */
export function planElection(
  seen: Observation | undefined,
  { identity, leaseDurationMs }: Candidate,
  now: { readonly monotonicMs: number; readonly wallMs: number }
): ElectionStep {
  const renewTime = microTime(now.wallMs)
  const fresh: LeaseSpec = {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
    acquireTime: renewTime,
    renewTime,
    leaseTransitions: 0,
  }
  if (!seen) return { kind: 'create', spec: fresh }
  const { lease, firstSeenMs } = seen
  const before = lease.spec ?? {}
  const transitions = before.leaseTransitions ?? 0
  if (before.holderIdentity === identity) {
    const acquireTime = before.acquireTime ?? renewTime
    return { kind: 'replace', lease, spec: { ...fresh, acquireTime, leaseTransitions: transitions } }
  }
  const freeAtMs = firstSeenMs + (before.leaseDurationSeconds ?? 0) * 1000
  if (before.holderIdentity && now.monotonicMs < freeAtMs)
    return { kind: 'wait', holder: before.holderIdentity, freeAtMs }
  return { kind: 'replace', lease, spec: { ...fresh, leaseTransitions: transitions + 1 } }
}

/** The lease read again: the same record keeps the moment it was first seen. */
export function observe(before: Observation | undefined, lease: Stored<Lease>, nowMs: number): Observation {
  const same =
    before?.lease.metadata.uid === lease.metadata.uid &&
    JSON.stringify(before.lease.spec) === JSON.stringify(lease.spec)
  return { lease, firstSeenMs: same && before ? before.firstSeenMs : nowMs }
}

/** A lease nobody holds: the next candidate that reads it takes it. client-go writes the same. */
export const releasedSpec = (before: LeaseSpec, wallMs: number): LeaseSpec => ({
  holderIdentity: '',
  leaseDurationSeconds: 1,
  acquireTime: microTime(wallMs),
  renewTime: microTime(wallMs),
  leaseTransitions: before.leaseTransitions ?? 0,
})

/** metav1.MicroTime: RFC 3339 with exactly six digits of a second. */
export const microTime = (wallMs: number): string => new Date(wallMs).toISOString().replace('Z', '000Z')
