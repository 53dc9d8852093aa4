import type { Backend } from '@bulkhead/sandbox'
import { CreateSandbox, routes, SetDeadline } from '@bulkhead/wire'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { operation } from '../operation.ts'
import { parse } from '../parse.ts'
import { evidenceOfAll } from './evidence-of-all.ts'

const one = `${routes.sandboxes}/:id`
const ListQuery = z.strictObject({ ended: z.stringbool().default(false) })
type Params = { Params: { id: string } }

export function registerSandboxes(app: FastifyInstance, backend: Backend): void {
  app.post(routes.sandboxes, operation('sandbox.create'), async (request, reply) => {
    const wanted = parse(CreateSandbox, request.body ?? {})
    request.facts.image = wanted.image
    const sandbox = await backend.create(wanted, request.cancelled)
    request.facts.sandboxId = sandbox.id
    request.facts.runtime = sandbox.runtime
    request.facts.origin = sandbox.origin
    if (request.cancelled.aborted) {
      // It was done before the backend saw that nobody waits: nobody will ever learn its id.
      await backend.delete(sandbox.id)
      throw request.cancelled.reason
    }
    return reply.code(201).send(sandbox)
  })

  app.get(routes.sandboxes, operation('sandbox.list'), async (request) =>
    backend.list(parse(ListQuery, request.query, 'query'))
  )

  app.get<Params>(one, operation('sandbox.get'), async (request) => {
    request.facts.sandboxId = request.params.id
    return backend.get(request.params.id)
  })

  app.delete<Params>(one, operation('sandbox.delete'), async (request, reply) => {
    request.facts.sandboxId = request.params.id
    await backend.delete(request.params.id)
    return reply.code(204).send()
  })

  app.put<Params>(`${one}/deadline`, operation('sandbox.setDeadline'), async (request) => {
    request.facts.sandboxId = request.params.id
    const { deadlineMs } = parse(SetDeadline, request.body)
    return backend.setDeadline(request.params.id, deadlineMs)
  })

  app.get<Params>(`${one}/evidence`, operation('sandbox.evidence'), async (request) => {
    request.facts.sandboxId = request.params.id
    const evidence = await backend.evidence(request.params.id, request.cancelled)
    request.facts.verdict = evidence.verdict.outcome
    return evidence
  })

  app.get(routes.evidence, operation('evidence'), async (request) => evidenceOfAll(backend, request.cancelled))
}
