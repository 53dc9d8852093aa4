import { type BulkheadError, failure } from '@bulkhead/wire'
import type { FastifyReply, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The name of the operation in the log and the metrics; health checks have none and are not logged. */
    operation?: string
  }
  interface FastifyRequest {
    /** What the log line says of this operation beside its outcome. Never a secret. */
    facts: Record<string, unknown>
    /** The error it was answered with. */
    failure: BulkheadError | undefined
    /** Settles with the handler; never rejects. */
    handled: Promise<unknown> | undefined
    /** Aborts when the client has left or the server ends. Nobody waits any more: what is half-made must go. */
    cancelled: AbortSignal
  }
}

export const operation = (name: string) => ({ config: { operation: name } })

export const operationOf = (request: FastifyRequest): string => request.routeOptions.config.operation ?? 'request'

export function cancellation(request: FastifyRequest, reply: FastifyReply, closing: AbortSignal): AbortSignal {
  const clientLeft = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) clientLeft.abort(failure('request_cancelled', { operation: operationOf(request) }))
  })
  return AbortSignal.any([clientLeft.signal, closing])
}
