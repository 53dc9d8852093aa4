import type { Sandbox } from '../api/index.ts'
import type { RecordedEvent, Stored } from '../controller/index.ts'
import { endOf, unschedulable } from './member-state.ts'

/** Clients know the first two by name. */
export const eventReason = Object.freeze({
  notProgressing: 'WarmPoolNotProgressing',
  progressing: 'WarmPoolProgressing',
  /** Ours. */
  memberEnded: 'WarmPoolSandboxEnded',
  /** Ours; the first two are named as ReplicaSets have them. */
  failedCreate: 'FailedCreate',
  failedDelete: 'FailedDelete',
  failedAdopt: 'FailedAdopt',
  /** Ours: the pool's template cannot be read. */
  invalidTemplate: 'InvalidTemplate',
})

export function notProgressing(stuck: readonly Stored<Sandbox>[]): RecordedEvent {
  const why = stuck[0] && unschedulable(stuck[0])?.message
  return {
    type: 'Warning',
    reason: eventReason.notProgressing,
    action: 'Wait',
    note: `${sandboxCount(stuck.length)} of the pool cannot be scheduled${why ? `: ${why}` : ''}`,
  }
}

export const progressing: RecordedEvent = {
  type: 'Normal',
  reason: eventReason.progressing,
  action: 'Wait',
  note: 'No Sandbox of the pool waits for a node any more',
}

export function memberEnded(ended: readonly Stored<Sandbox>[]): RecordedEvent {
  const end = ended[0] && endOf(ended[0])
  return {
    type: 'Warning',
    reason: eventReason.memberEnded,
    action: 'Replace',
    note: `The Pods of ${sandboxCount(ended.length)} ended before a claim took them${end ? ` (${end.reason})` : ''}; they are replaced`,
  }
}

const refusals = {
  create: { reason: eventReason.failedCreate, action: 'Create', note: 'Error creating' },
  delete: { reason: eventReason.failedDelete, action: 'Delete', note: 'Error deleting' },
  adopt: { reason: eventReason.failedAdopt, action: 'Adopt', note: 'Error adopting' },
}

/** The API server has said no. */
export function refused(verb: keyof typeof refusals, error: unknown): RecordedEvent {
  const { note, ...rest } = refusals[verb]
  return { type: 'Warning', ...rest, note: `${note}: ${error instanceof Error ? error.message : String(error)}` }
}

const sandboxCount = (count: number): string => (count === 1 ? '1 Sandbox' : `${count} Sandboxes`)
