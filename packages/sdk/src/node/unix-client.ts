import type * as Http from 'node:http'
import { Readable } from 'node:stream'
import { failure } from '@bulkhead/wire/errors'
import type { HttpClient, HttpRequest, HttpResponse } from '../http/http-client.ts'

// Not `import … from 'node:http'`: that reads every export, and one of them (WebSocket) loads all of undici, 30 ms of every start.
const http = process.getBuiltinModule('node:http')

const idempotent = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

/** HTTP/1.1 over a Unix socket, connections kept open. */
export function unixClient(socketPath: string): HttpClient {
  const agent = new http.Agent({ keepAlive: true })
  return {
    address: socketPath,
    send: (request) => send(socketPath, agent, request, true),
    close: () => agent.destroy(),
  }
}

async function send(
  socketPath: string,
  agent: Http.Agent,
  request: HttpRequest,
  mayRetry: boolean
): Promise<HttpResponse> {
  const { method, path, headers, body, signal } = request
  signal?.throwIfAborted()
  const outgoing = http.request({ socketPath, agent, method, path, headers: headersOf(headers, body) })
  const abort = () => outgoing.destroy()
  signal?.addEventListener('abort', abort)
  const stopListening = () => signal?.removeEventListener('abort', abort)
  const upload = sendBody(outgoing, body)
  try {
    const response = await headOf(outgoing, upload)
    return {
      status: response.statusCode ?? 0,
      header: (name) => [response.headers[name]].flat()[0],
      trailer: (name) => response.trailers[name],
      body: bodyOf(response, `${method} ${path}`, signal, stopListening),
    }
  } catch (error) {
    stopListening()
    signal?.throwIfAborted()
    const { code, message } = error as NodeJS.ErrnoException
    // The server closed a kept connection at the very moment it was used again.
    const stale = outgoing.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE')
    const repeatable = idempotent.has(method) && (body === undefined || body instanceof Uint8Array)
    if (mayRetry && stale && repeatable) return send(socketPath, agent, request, false)
    if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'EACCES' || code === 'EAGAIN')
      throw failure('server_unreachable', { address: socketPath, reason: code }, { cause: error })
    if (code === undefined) throw error
    throw failure('connection_lost', { operation: `${method} ${path}`, reason: message }, { cause: error })
  }
}

function headersOf(headers: HttpRequest['headers'], body: HttpRequest['body']): Http.OutgoingHttpHeaders {
  return body instanceof Uint8Array ? { ...headers, 'content-length': body.byteLength } : { ...headers }
}

/** Resolves when all is handed over; rejects with what the body's source fails with. */
async function sendBody(outgoing: Http.ClientRequest, body: HttpRequest['body']): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) {
    outgoing.end(body)
    return
  }
  try {
    for await (const chunk of body) {
      if (outgoing.destroyed) return
      if (!outgoing.write(chunk)) await drained(outgoing)
    }
    outgoing.end()
  } catch (error) {
    // Cut, not ended: a body whose source failed must not pass for a whole one.
    outgoing.destroy()
    throw error
  }
}

const drained = (outgoing: Http.ClientRequest): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      outgoing.removeListener('drain', done).removeListener('close', done)
      resolve()
    }
    outgoing.once('drain', done).once('close', done)
  })

function headOf(outgoing: Http.ClientRequest, upload: Promise<void>): Promise<Http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve)
    // Stays for good: after the head, a failing connection is reported through the body.
    outgoing.on('error', reject)
    upload.catch(reject)
  })
}

async function* bodyOf(
  response: Http.IncomingMessage,
  operation: string,
  signal: AbortSignal | undefined,
  stopListening: () => void
): AsyncGenerator<Uint8Array> {
  try {
    yield* Readable.prototype.iterator.call(response, { destroyOnReturn: true }) as AsyncIterable<Uint8Array>
  } catch (cause) {
    signal?.throwIfAborted()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw failure('connection_lost', { operation, reason }, { cause })
  } finally {
    stopListening()
  }
}
