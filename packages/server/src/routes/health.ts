import type { Backend } from '@bulkhead/sandbox'
import { routes } from '@bulkhead/wire'
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../metrics.ts'

export function registerHealth(app: FastifyInstance, backend: Backend, metrics: Metrics): void {
  app.get(routes.health, async () => ({ status: 'ok', pid: process.pid }))

  app.get(routes.metrics, async (_request, reply) => {
    const sandboxes = new Map<string, number>()
    for (const { state } of await backend.list()) sandboxes.set(state, (sandboxes.get(state) ?? 0) + 1)
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(metrics.render(sandboxes))
  })
}
