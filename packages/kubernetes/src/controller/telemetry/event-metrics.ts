export interface EventMetrics {
  /** `sent`: created or counted on; `folded`: into one that is sent later; `dropped`: too many; `failed`: refused, or no answer. */
  recorded(outcome: 'sent' | 'folded' | 'dropped' | 'failed'): void
}
