import type { Clock } from '../clock.ts'

export interface LinkedSignal extends Disposable {
  readonly signal: AbortSignal
}

/**
 * Aborts with the first of `signals`, or after `timeoutMs` with a TimeoutError. To be disposed of when the work has ended: then nothing of it stays
 * behind on signals that live as long as the process (`AbortSignal.any` leaves that to the garbage collector, thousands of requests later).
 */
export function linkSignals(
  signals: readonly (AbortSignal | undefined)[],
  timeout?: { readonly clock: Clock; readonly ms: number }
): LinkedSignal {
  const abort = new AbortController()
  const undo = new DisposableStack()
  for (const signal of signals) {
    if (!signal) continue
    if (signal.aborted) {
      abort.abort(signal.reason)
      break
    }
    const onAbort = () => abort.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    undo.defer(() => signal.removeEventListener('abort', onAbort))
  }
  if (timeout && !abort.signal.aborted) {
    const { clock, ms } = timeout
    const timer = clock.startTimer(ms, () => abort.abort(new DOMException(`not done within ${ms} ms`, 'TimeoutError')))
    undo.defer(() => timer.clear())
  }
  return { signal: abort.signal, [Symbol.dispose]: () => undo.dispose() }
}

/** Whether a signal aborted because its time was over. */
export const isTimeout = (reason: unknown): boolean => reason instanceof DOMException && reason.name === 'TimeoutError'
