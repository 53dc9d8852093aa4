import { BulkheadError, type ErrorCode } from '@bulkhead/wire/errors'
import { errorHeader } from '@bulkhead/wire/routes'
import type { HttpResponse } from './http-client.ts'

const text = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise)

/** Whether a decoded body is an ErrorBody (and not, say, an error of the guest's own). */
const looksLikeErrorBody = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && 'code' in value && typeof value.code === 'string' && 'next' in value

/**
 * The server's error, as one of ours again; undefined when `value` is none. A newer server may send a code this client does not know: it
 * is kept as it is, with the text that came along, so a caller that matches on codes falls through to its general case.
 */
export function errorFromBody(value: unknown): BulkheadError | undefined {
  if (!looksLikeErrorBody(value)) return undefined
  const { facts } = value
  return new BulkheadError({
    code: value.code as ErrorCode,
    status: typeof value.status === 'number' ? value.status : 500,
    message: text(value.message, String(value.code)),
    next: text(value.next, ''),
    facts: typeof facts === 'object' && facts !== null ? (facts as Record<string, unknown>) : {},
  })
}

/**
 * As {@link errorFromBody}, for an answer below a guest's prefix. There the server and the guest both speak, and only the server's own errors
 * carry its mark: without it a guest could give its user the server's advice.
 */
export const serverErrorIn = (response: HttpResponse, value: unknown): BulkheadError | undefined =>
  response.header(errorHeader) === undefined ? undefined : errorFromBody(value)
