import { type BulkheadError, failure, isFailure } from '@bulkhead/wire'
import { ApiError } from './api-error.ts'
import { TransportError } from './transport-error.ts'

/** The error of a call as a user is told it: one of the table. Undefined for what no call throws. */
export function toFailure(error: unknown): BulkheadError | undefined {
  if (isFailure(error)) return error
  if (error instanceof TransportError) {
    const { operation, cause } = error
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
    return failure('cluster_unreachable', { operation, reason }, { cause: error })
  }
  if (!(error instanceof ApiError)) return undefined
  const { operation, code, reason, message } = error
  // The message of an ApiError begins with the operation.
  const detail = message.slice(operation.length + 2)
  if (code === 401 || code === 403) return failure('cluster_access_denied', { operation, detail }, { cause: error })
  return failure('cluster_request_failed', { operation, code, reason, detail }, { cause: error })
}
