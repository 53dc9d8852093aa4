import type { Backend } from '@bulkhead/sandbox'
import { PullImage, routes } from '@bulkhead/wire'
import type { FastifyInstance } from 'fastify'
import { operation } from '../operation.ts'
import { parse } from '../parse.ts'
import { ProgressStream } from '../progress-stream.ts'
import { toFailure } from '../to-failure.ts'

export function registerImages(app: FastifyInstance, backend: Backend): void {
  app.get(routes.images, operation('image.list'), async () => backend.images.list())

  app.post(routes.images, operation('image.pull'), async (request, reply) => {
    const { reference } = parse(PullImage, request.body)
    request.facts.reference = reference
    const lines = new ProgressStream(reply.raw)
    try {
      const image = await backend.images.pull(reference, (event) => lines.write(event), request.cancelled)
      request.facts.digest = image.digest
      reply.hijack()
      lines.end({ step: 'done', fraction: 1, image })
    } catch (error) {
      // Before the first line there is still a status to say it with.
      if (!lines.begun) throw error
      request.failure = toFailure(error, 'image.pull')
      reply.hijack()
      lines.end({ step: 'failed', error: request.failure.toJSON() })
    }
  })

  app.post(routes.prune, operation('image.prune'), async (request) => {
    const removed = await backend.images.prune()
    request.facts.removed = removed.length
    return removed
  })

  app.delete<{ Params: { name: string } }>(`${routes.images}/:name`, operation('image.remove'), async (request) => {
    request.facts.image = request.params.name
    return backend.images.remove(request.params.name)
  })
}
