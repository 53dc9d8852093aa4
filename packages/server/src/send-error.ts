import type { ServerResponse } from 'node:http'
import { type BulkheadError, errorHeader } from '@bulkhead/wire'

/** Answers with an ErrorBody. Only before the head has been sent. */
export function sendError(response: ServerResponse, error: BulkheadError): void {
  const body = Buffer.from(JSON.stringify(error))
  response.writeHead(error.status, {
    'content-type': 'application/json',
    'content-length': body.byteLength,
    [errorHeader]: error.code,
  })
  response.end(body)
}
