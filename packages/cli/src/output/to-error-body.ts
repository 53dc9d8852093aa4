import { type ErrorBody, failure, isFailure } from '@bulkhead/wire/errors'

/** Any error as it may cross a process boundary. One without a name keeps its text: who started the process has to learn why it failed. */
export function toErrorBody(error: unknown, operation: string): ErrorBody {
  if (isFailure(error) && error.code !== 'internal_error') return error.toJSON()
  const { cause } = isFailure(error) ? error : { cause: error }
  const reason = cause instanceof Error ? cause.message : String(cause)
  const body = isFailure(error) ? error.toJSON() : failure('internal_error', { operation }, { cause }).toJSON()
  return { ...body, message: `${body.message}: ${reason}` }
}
