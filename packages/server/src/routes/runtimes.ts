import type { Backend } from '@bulkhead/sandbox'
import { routes } from '@bulkhead/wire'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { operation } from '../operation.ts'
import { parse } from '../parse.ts'

const Query = z.strictObject({ fresh: z.stringbool().default(false) })

export function registerRuntimes(app: FastifyInstance, backend: Backend): void {
  app.get(routes.runtimes, operation('runtime.list'), async (request) => {
    const { fresh } = parse(Query, request.query, 'query')
    request.facts.fresh = fresh
    return backend.runtimes({ fresh }, request.cancelled)
  })
}
