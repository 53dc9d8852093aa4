import { timeMs } from '../api/index.ts'
import type { SandboxRecord } from './sandbox-record.ts'
import { recordOf } from './sandbox-record.ts'
import { type Known, stateOf } from './to-sandbox.ts'

export type Settlement =
  | { readonly kind: 'none' }
  /** Nothing has to be done before that time. */
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** It has ended by itself: write down how, and have what is left of it removed. */
  | { readonly kind: 'end'; readonly ended: NonNullable<SandboxRecord['ended']> }
  /** The cache does not show its Pod: ask the API server, which alone knows that there is none. */
  | { readonly kind: 'findPod'; readonly name: string; readonly uid: string }
  /** It ended long ago: forget it. */
  | { readonly kind: 'forget' }

/** What is to be done about a sandbox that nobody asks for at the moment. */
export function planSettlement(known: Known, nowMs: number, keepEndedMs: number): Settlement {
  const { claim, pod } = known
  const record = recordOf(claim)
  if (!record || claim.metadata.deletionTimestamp) return { kind: 'none' }
  if (record.ended) {
    const untilMs = (timeMs(record.ended.at) ?? nowMs) + keepEndedMs
    return untilMs <= nowMs ? { kind: 'forget' } : { kind: 'wait', untilMs }
  }
  // One that is being made ends by the deadline of its making, which the operator keeps.
  if (!record.pod) return { kind: 'none' }
  const { state, reason } = stateOf(claim, record, pod, nowMs)
  if (state === 'stopped' || state === 'failed' || state === 'lost')
    return { kind: 'end', ended: { state, ...(reason !== undefined && { reason }), at: new Date(nowMs).toISOString() } }
  if (pod?.metadata.uid !== record.pod.uid) return { kind: 'findPod', name: record.pod.name, uid: record.pod.uid }
  const deadline = timeMs(claim.spec.lifecycle?.shutdownTime)
  return deadline === undefined ? { kind: 'none' } : { kind: 'wait', untilMs: deadline }
}
