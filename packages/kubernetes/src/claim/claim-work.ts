import type { OperatorContext } from '../operator/operator-context.ts'
import type { AllowedLabelDomains } from './allowed-label-domains.ts'
import type { Arrivals } from './arrivals.ts'
import type { MemberQueue } from './member-queue.ts'
import type { IsStale } from './stale-member.ts'
import type { WaitingLine } from './waiting-line.ts'

/** What the passes over claims share. All of it is made anew with the next leader. */
export interface ClaimWork {
  readonly context: OperatorContext
  readonly members: MemberQueue
  readonly line: WaitingLine
  readonly arrivals: Arrivals
  readonly isStale: IsStale
  readonly allowedLabelDomains: AllowedLabelDomains
  /** Failed passes of this claim, one after the other. */
  failures(key: string): number
  /** A member of this pool (see `poolIdOf`) has become available: those who wait for one look again. */
  wakeWaiting(pool: string): void
}
