import type { SandboxState } from '@bulkhead/wire'

/**
 * What may follow what: `creating → running ⇄ paused`, `running → snapshotting → running`, any living state → `stopping → stopped`.
 * Every living state can end in `failed` (its kernel ended by itself) or `lost` (a later server could not take it over).
 * The three ends have no successor: a sandbox that has ended does not come back.
 */
export const transitions: Readonly<Record<SandboxState, readonly SandboxState[]>> = {
  creating: ['running', 'stopping', 'failed', 'lost'],
  running: ['paused', 'snapshotting', 'stopping', 'failed', 'lost'],
  paused: ['running', 'stopping', 'failed', 'lost'],
  snapshotting: ['running', 'stopping', 'failed', 'lost'],
  stopping: ['stopped', 'failed', 'lost'],
  stopped: [],
  failed: [],
  lost: [],
}

export const canBecome = (from: SandboxState, to: SandboxState): boolean => transitions[from].includes(to)

/** `stopped`, `failed` or `lost`: nothing of it runs and nothing follows. */
export const hasEnded = (state: SandboxState): boolean => transitions[state].length === 0

/** States in which a kernel is there to be taken over by the next server. */
export const hasKernel = (state: SandboxState): boolean =>
  state === 'running' || state === 'paused' || state === 'snapshotting'
