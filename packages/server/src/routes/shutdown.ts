import { routes } from '@bulkhead/wire'
import type { FastifyInstance } from 'fastify'
import { operation } from '../operation.ts'

/** Answers first, then tells who started the server; sandboxes go on. */
export function registerShutdown(app: FastifyInstance, onShutdown: () => void): void {
  app.post(routes.shutdown, operation('server.shutdown'), async (_request, reply) => {
    reply.raw.once('close', onShutdown)
    return reply.code(202).send({})
  })
}
