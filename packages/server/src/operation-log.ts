import type { BulkheadError } from '@bulkhead/wire'
import type { Metrics } from './metrics.ts'

/** The slice of pino that is used: facts as keys, a constant message. */
export interface Logger {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export interface OperationEnd {
  /** `sandbox.create`, `guest.call`, …: from a fixed list. */
  readonly operation: string
  readonly durationMs: number
  /** What it was about. Never a token, a body, an environment or a query. */
  readonly facts: Readonly<Record<string, unknown>>
  /** `client_left`: nobody waits for the answer. `cut_short`: the answer's head was out when it failed. */
  readonly outcome: 'ok' | 'client_left' | 'cut_short' | { readonly error: BulkheadError }
}

/** One line and one count per operation, when it has ended. */
export class OperationLog {
  readonly #logger: Logger
  readonly #metrics: Metrics

  constructor(logger: Logger, metrics: Metrics) {
    this.#logger = logger
    this.#metrics = metrics
  }

  /** `level`: of the line when all went well. */
  ended({ operation, durationMs, facts, outcome }: OperationEnd, level: 'debug' | 'info' = 'info'): void {
    const error = typeof outcome === 'object' ? outcome.error : undefined
    const name = typeof outcome === 'object' ? outcome.error.code : outcome
    this.#metrics.operations.add({ operation, outcome: name })
    const line = { ...facts, durationMs: Math.round(durationMs * 10) / 10, outcome: name }
    if (!error) {
      this.#logger[outcome === 'cut_short' ? 'warn' : level](line, operation)
    } else if (error.status < 500) {
      this.#logger.info({ ...line, problem: error.message }, operation)
    } else {
      // A failure of the caller's is told in its response; one of ours needs the reason behind it.
      const { cause } = error
      const reason = cause instanceof Error ? (cause.stack ?? cause.message) : cause
      this.#logger.error({ ...line, problem: error.message, reason }, operation)
    }
  }
}
