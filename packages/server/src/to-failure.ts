import { type BulkheadError, failure, isFailure } from '@bulkhead/wire'
import { serverLimits } from './server-limits.ts'

/** What fastify throws before a handler runs: the slice of its errors that is read here. */
interface FastifyFault {
  readonly code: string
  readonly message: string
}

const isFastifyFault = (error: unknown): error is FastifyFault =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('FST_')

/** The error a client gets for whatever was thrown. What has no code becomes `internal_error`, its reason kept as the cause, for the log. */
export function toFailure(error: unknown, operation: string): BulkheadError {
  if (isFailure(error)) return error
  if (isFastifyFault(error)) return fromFastify(error, operation)
  // Node's and fastify's JSON parsers differ in the class of their errors, but both are about the body.
  if (error instanceof SyntaxError)
    return failure('invalid_request', { field: 'body', problem: 'not valid JSON' }, { cause: error })
  return failure('internal_error', { operation }, { cause: error })
}

function fromFastify(fault: FastifyFault, operation: string): BulkheadError {
  const cause = { cause: fault }
  switch (fault.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return failure('body_too_large', { limitBytes: serverLimits.bodyBytes }, cause)
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return failure('invalid_request', { field: 'body', problem: 'not valid JSON' }, cause)
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return failure('invalid_request', { field: 'body', problem: 'announced as JSON, but empty' }, cause)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return failure('invalid_request', { field: 'content-type', problem: 'must be application/json' }, cause)
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return failure(
        'invalid_request',
        { field: 'content-length', problem: 'differs from the size of the body' },
        cause
      )
    case 'FST_ERR_BAD_URL':
      return failure('invalid_request', { field: 'path', problem: 'not a valid URL' }, cause)
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return failure('invalid_request', { field: 'path', problem: 'too long' }, cause)
    default:
      return failure('internal_error', { operation }, cause)
  }
}
