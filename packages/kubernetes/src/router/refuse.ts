import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Refusal } from './refusal.ts'

/** Answers in the sandbox's place. The connection ends with it when the client may still be sending: nobody will read that. */
export function refuse(incoming: IncomingMessage, response: ServerResponse, { status, detail }: Refusal): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(hasMore(incoming) && { connection: 'close' }),
  })
  response.end(JSON.stringify({ detail }))
}

const hasMore = ({ complete, headers }: IncomingMessage): boolean =>
  !complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0)
