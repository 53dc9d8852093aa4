import { hasEnded } from '@bulkhead/sandbox'
import type { Sandbox } from '@bulkhead/wire'
import { type SandboxClaim, timeMs } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import type { CachedPod } from './cached-pod.ts'
import { podEnd } from './pod-end.ts'
import { recordOf, type SandboxRecord } from './sandbox-record.ts'

export const deadlineReached = 'its deadline was reached'
export const podRemoved = 'its Pod was removed by somebody else, and what was in its memory with it'

/** What is known of a sandbox: its claim, and the Pod that it was given, where that is there. */
export interface Known {
  readonly claim: Stored<SandboxClaim>
  readonly pod: Stored<CachedPod> | undefined
}

/** A sandbox as the control API shows it; undefined for a claim without a record. Pure: all there is to know is in the cluster. */
export function toSandbox({ claim, pod }: Known, nowMs: number): Sandbox | undefined {
  const record = recordOf(claim)
  if (!record) return undefined
  const { version: _, runtimeClass: __, pod: ___, ended: ____, ...shown } = record
  const { state, reason } = stateOf(claim, record, pod, nowMs)
  const deadline = hasEnded(state) || !record.pod ? undefined : timeMs(claim.spec.lifecycle?.shutdownTime)
  return {
    ...shown,
    id: claim.metadata.name,
    state,
    ...(reason !== undefined && { reason }),
    ...(deadline !== undefined && { deadlineAt: new Date(deadline).toISOString() }),
  }
}

/** The deadline of one that is being made is that of its making, and nobody's business. */
export function stateOf(
  { metadata, spec }: Stored<SandboxClaim>,
  { pod: given, ended }: SandboxRecord,
  pod: Stored<CachedPod> | undefined,
  nowMs: number
): Pick<Sandbox, 'state' | 'reason'> {
  if (ended) return { state: ended.state, ...(ended.reason !== undefined && { reason: ended.reason }) }
  if (metadata.deletionTimestamp) return { state: 'stopping' }
  if (!given) return { state: 'creating' }
  const deadline = timeMs(spec.lifecycle?.shutdownTime)
  if (deadline !== undefined && deadline <= nowMs) return { state: 'stopped', reason: deadlineReached }
  const own = pod?.metadata.uid === given.uid ? pod : undefined
  // Before how it ended: a guest that is told to end does so in order, and that says nothing.
  if (own?.metadata.deletionTimestamp) return { state: 'lost', reason: podRemoved }
  return (own && podEnd(own)) ?? { state: 'running' }
}
