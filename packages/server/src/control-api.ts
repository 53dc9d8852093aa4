import type { IncomingMessage, Server } from 'node:http'
import type { Backend } from '@bulkhead/sandbox'
import { errorHeader, failure } from '@bulkhead/wire'
import fastify, { type FastifyInstance, type FastifyServerFactory, type HTTPMethods } from 'fastify'
import { answerClientError } from './client-error.ts'
import type { Metrics } from './metrics.ts'
import { cancellation, operationOf } from './operation.ts'
import type { OperationLog } from './operation-log.ts'
import { registerHealth } from './routes/health.ts'
import { registerImages } from './routes/images.ts'
import { registerRuntimes } from './routes/runtimes.ts'
import { registerSandboxes } from './routes/sandboxes.ts'
import { registerShutdown } from './routes/shutdown.ts'
import { sendError } from './send-error.ts'
import { serverLimits } from './server-limits.ts'
import { toFailure } from './to-failure.ts'

export interface ControlApiContext {
  readonly backend: Backend
  readonly log: OperationLog
  readonly metrics: Metrics
  readonly closing: AbortSignal
  /** What `POST /v1/shutdown` does; without it there is no such route. */
  readonly onShutdown?: (() => void) | undefined
}

const methods: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** The control API, on a server that `serverFactory` makes. Every answer that is no success is an ErrorBody. */
export async function controlApi(
  context: ControlApiContext,
  serverFactory: FastifyServerFactory<Server>
): Promise<FastifyInstance> {
  const { backend, metrics } = context
  const app = fastify({
    serverFactory,
    logger: false,
    bodyLimit: serverLimits.bodyBytes,
    routerOptions: { maxParamLength: 4096 },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      const problem = toFailure(error, 'request')
      request.failure = problem
      sendError(reply.raw, problem)
    },
  })
  // Only JSON: a body that a page of another origin can send without asking (text/plain) is none of ours.
  app.removeContentTypeParser('text/plain')
  observeOperations(app, context)
  answerErrors(app)
  const wrongMethods = collectMethods(app)
  registerHealth(app, backend, metrics)
  registerRuntimes(app, backend)
  registerSandboxes(app, backend)
  registerImages(app, backend)
  if (context.onShutdown) registerShutdown(app, context.onShutdown)
  wrongMethods.refuse()
  await app.ready()
  return app
}

function observeOperations(app: FastifyInstance, { log, metrics, closing }: ControlApiContext): void {
  app.decorateRequest('failure', undefined)
  app.decorateRequest('handled', undefined)
  app.addHook('onRoute', (route) => {
    const { handler } = route
    route.handler = function (request, reply) {
      const result = handler.call(this, request, reply)
      request.handled = Promise.resolve(result).catch((error: unknown) => {
        request.failure ??= toFailure(error, operationOf(request))
      })
      return result
    }
  })
  app.addHook('onRequest', async (request, reply) => {
    // Fastify's own clock (`reply.elapsedTime`) stands still without its logger.
    const startedAt = performance.now()
    request.facts = {}
    request.cancelled = cancellation(request, reply, closing)
    boundBodyTime(request.raw)
    // The response is closed however it ended. When the client has left, the handler may still be cleaning up.
    reply.raw.once('close', async () => {
      await request.handled
      const name = request.routeOptions.config.operation
      if (!name && !request.failure) return
      const operation = name ?? 'request'
      const durationMs = performance.now() - startedAt
      metrics.durations.observe({ operation }, durationMs / 1000)
      const left = !reply.raw.writableFinished
      const outcome = request.failure ? { error: request.failure } : left ? 'client_left' : 'ok'
      log.ended({ operation, durationMs, facts: request.facts, outcome })
    })
  })
}

/** A body that trickles in holds a request open; control requests have small ones, so they have a deadline. */
function boundBodyTime(request: IncomingMessage): void {
  if (request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined) return
  const timer = setTimeout(() => request.destroy(), serverLimits.bodyMs).unref()
  const clear = () => clearTimeout(timer)
  request.once('end', clear).once('close', clear)
}

function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = toFailure(thrown, operationOf(request))
    request.failure = error
    return reply.code(error.status).header(errorHeader, error.code).send(error.toJSON())
  })
  app.setNotFoundHandler((request) => {
    const [path = ''] = request.url.split('?', 1)
    throw failure('route_not_found', { method: request.method, path: path.slice(0, 200) })
  })
}

/** The router knows a path without the method as "not found"; a caller with a wrong verb deserves to hear which are right. */
function collectMethods(app: FastifyInstance): { refuse: () => void } {
  const known = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const at = known.get(url) ?? new Set()
    known.set(url, at)
    for (const one of [method].flat()) at.add(one)
  })
  return {
    refuse: () => {
      for (const [url, allowed] of [...known]) {
        const text = [...allowed].join(', ')
        const others = methods.filter((method) => !allowed.has(method))
        app.route({
          url,
          method: others,
          handler: (request) => {
            const [path = ''] = request.url.split('?', 1)
            throw failure('method_not_allowed', { method: request.method, path: path.slice(0, 200), allowed: text })
          },
        })
      }
    },
  }
}
