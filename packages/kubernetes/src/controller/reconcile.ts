import type { Lane } from './queue/lanes.ts'

export type ReconcileResult =
  | { readonly kind: 'done' }
  /** Look again in `afterMs`, even if nothing happens until then. */
  | { readonly kind: 'requeue'; readonly afterMs: number; readonly lane?: Lane }

/**
 * Brings the world in line with one object. Gets its key, and reads the state as it is from the caches: nothing is told about what happened. An error
 * it throws is tried again with back-off; a {@link TerminalError} is not.
 *
 * `signal` aborts when the time for this pass is over, the hand-over has no time left, or the leadership is lost.
 */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<ReconcileResult>

export const done: ReconcileResult = Object.freeze({ kind: 'done' })

export const requeueAfter = (afterMs: number, lane?: Lane): ReconcileResult => ({
  kind: 'requeue',
  afterMs,
  ...(lane && { lane }),
})

/** Trying again does not help until something changes: and then the change brings the key back. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError'
}
