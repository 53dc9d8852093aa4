import type { KernelStatus, NodeWitness, WitnessedPod } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { verdictReason } from './plan-verdict.ts'

/** What a Sandbox's status says of the kernel under its Pod. Pure. Undefined: nobody has looked at it. */
export function kernelStatus(
  { status = {} }: Stored<NodeWitness>,
  pod: WitnessedPod | undefined,
  silent: boolean
): KernelStatus | undefined {
  const { observedAt, bootID, kernelRelease, podsLeftOut = 0 } = status
  const checkedAt = observedAt ? { checkedAt: observedAt } : {}
  const unknown = (reason: string): KernelStatus => ({
    ...(pod?.handler && { runtime: pod.handler }),
    verdict: 'Unknown',
    reason,
    ...checkedAt,
  })
  if (silent) return unknown(verdictReason.witnessSilent)
  if (!pod) return podsLeftOut > 0 ? unknown(verdictReason.notSeen) : undefined
  // Of the node's own kernel the witness knows the inside, too.
  const shared = pod.class === 'shared'
  return {
    ...(pod.class && { class: pod.class }),
    ...(pod.handler && { runtime: pod.handler }),
    ...(shared && bootID && { bootID }),
    ...(shared && kernelRelease && { release: kernelRelease }),
    verdict: pod.verdict,
    reason: pod.reason,
    ...checkedAt,
  }
}

/** A time that is older is written anew when the status is written anyway. */
const freshMs = 5 * 60_000

/** What is to stand in the status: the same as before when nothing but the time would change, and that is fresh enough. */
export function settledKernel(
  before: KernelStatus | undefined,
  seen: KernelStatus | undefined
): KernelStatus | undefined {
  if (!before || !seen || !isSameKernel(before, seen)) return seen
  const ageMs = Date.parse(seen.checkedAt ?? '') - Date.parse(before.checkedAt ?? '')
  return ageMs < freshMs ? before : seen
}

/** Whether they say the same but for when. */
export const isSameKernel = (one: KernelStatus | undefined, other: KernelStatus | undefined): boolean =>
  fields.every((field) => one?.[field] === other?.[field])

const fields = ['class', 'runtime', 'bootID', 'release', 'verdict', 'reason'] as const

/** What has to be known at once, rather than with the next write. */
export const isAlarming = (before: KernelStatus | undefined, after: KernelStatus | undefined): boolean =>
  !isSameKernel(before, after) && (before !== undefined || !isAsExpected(after))

const isAsExpected = (kernel: KernelStatus | undefined): boolean =>
  kernel?.verdict === 'Isolated' || kernel?.verdict === 'Shared'
