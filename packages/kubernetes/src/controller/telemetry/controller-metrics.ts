export type ReconcileOutcome = 'success' | 'requeue_after' | 'error' | 'terminal_error' | 'cut_off'

export interface ControllerMetrics {
  started(): void
  ended(outcome: ReconcileOutcome, tookMs: number): void
}
