import type { Sandbox, SandboxConditionType } from '../api/index.ts'
import { type Condition, findCondition, type Stored } from '../controller/index.ts'

const condition = ({ status }: Stored<Sandbox>, type: SandboxConditionType): Condition | undefined =>
  findCondition(status?.conditions, type)

export const isReady = (sandbox: Stored<Sandbox>): boolean => condition(sandbox, 'Ready')?.status === 'True'

/** Reasons of a Ready condition that no Pod comes back from. */
const endedReasons: ReadonlySet<string> = new Set(['PodSucceeded', 'PodFailed'])

/** What says that the Sandbox's Pod has ended; undefined while it has not. */
export function endOf(sandbox: Stored<Sandbox>): Condition | undefined {
  const finished = condition(sandbox, 'Finished')
  if (finished?.status === 'True') return finished
  const ready = condition(sandbox, 'Ready')
  return ready?.status === 'False' && endedReasons.has(ready.reason) ? ready : undefined
}

/** What says that no node takes the Sandbox's Pod; undefined while none has been asked, or one has. */
export function unschedulable(sandbox: Stored<Sandbox>): Condition | undefined {
  const scheduled = condition(sandbox, 'PodScheduled')
  return scheduled?.status === 'False' && scheduled.reason === 'Unschedulable' ? scheduled : undefined
}

/** Since when it could have become Ready: as long as no node took its Pod, it could not. In ms since 1970. */
export function startedAtMs(sandbox: Stored<Sandbox>): number {
  const scheduled = condition(sandbox, 'PodScheduled')
  const created = createdAtMs(sandbox)
  return scheduled?.status === 'True' ? Math.max(created, Date.parse(scheduled.lastTransitionTime) || 0) : created
}

/** Ms since 1970. */
export const createdAtMs = ({ metadata }: Stored<Sandbox>): number => Date.parse(metadata.creationTimestamp)
