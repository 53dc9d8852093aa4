import type { Backend } from '@bulkhead/sandbox'
import type { Metrics } from '../metrics.ts'
import type { OperationLog } from '../operation-log.ts'

/** What every call to a guest needs of the server. */
export interface GuestProxyContext {
  readonly backend: Backend
  readonly log: OperationLog
  readonly metrics: Metrics
  /** Aborts when the server ends: calls under way are cut. */
  readonly closing: AbortSignal
}
