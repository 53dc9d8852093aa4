import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { failure } from '@bulkhead/wire'
import type { Logger } from '../../controller/index.ts'
import type { BindAddress } from '../flags/go-values.ts'

export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** `signal` aborts when the caller has gone. */
export type Route = (query: URLSearchParams, signal: AbortSignal) => Answer | Promise<Answer>

export interface HttpServer extends AsyncDisposable {
  readonly port: number
}

export interface HttpServerOptions {
  /** For the log. */
  readonly name: string
  readonly address: BindAddress
  /** By path. */
  readonly routes: Readonly<Record<string, Route>>
  readonly log: Logger
}

export const plainText = (status: number, body: string): Answer => ({ status, type: 'text/plain; charset=utf-8', body })

/** Answers GET and HEAD on a few fixed paths. Fails `invalid_request` when the address cannot be had. */
export async function serveHttp({ name, address, routes, log }: HttpServerOptions): Promise<HttpServer> {
  const server = createServer((request, response) => {
    answer(routes, request, response).catch((err) => {
      log.warn({ server: name, err }, 'http.failed')
      response.destroy()
    })
  })
  server.listen(address.port, address.host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    const problem = `cannot listen on ${address.host ?? ''}:${address.port}: ${cause instanceof Error ? cause.message : cause}`
    throw failure('invalid_request', { field: name, problem }, { cause })
  }
  const { port } = server.address() as AddressInfo
  log.info({ server: name, port }, 'http.listening')
  return { port, [Symbol.asyncDispose]: () => close(server) }
}

async function answer(
  routes: HttpServerOptions['routes'],
  request: IncomingMessage,
  response: ServerResponse
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort(new Error('the caller has gone')))
  const { status, type, body } = await find(routes, request, gone.signal)
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function find(
  routes: HttpServerOptions['routes'],
  { method, url = '/' }: IncomingMessage,
  signal: AbortSignal
): Answer | Promise<Answer> {
  const [path = '/', query = ''] = url.split('?', 2)
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined
  if (!route) return plainText(404, 'not found\n')
  if (method !== 'GET' && method !== 'HEAD') return plainText(405, 'only GET and HEAD\n')
  return route(new URLSearchParams(query), signal)
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
