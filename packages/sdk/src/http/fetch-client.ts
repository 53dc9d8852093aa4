import { failure } from '@bulkhead/wire/errors'
import type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts'

/**
 * Over `fetch`, for browsers and for servers on TCP. Browsers cannot stream a request's body over HTTP/1.1: there, upload from arrays.
 * `baseUrl`: without a path.
 */
export function fetchClient(baseUrl: string, fetchFn: typeof fetch = fetch): HttpClient {
  const address = new URL(baseUrl).origin
  return { address, send: (request) => send(address, fetchFn, request), close: () => {} }
}

async function send(address: string, fetchFn: typeof fetch, request: HttpRequest): Promise<HttpResponse> {
  const { method, path, headers = {}, body, signal } = request
  const streamed = body !== undefined && !(body instanceof Uint8Array)
  let response: Response
  try {
    response = await fetchFn(address + path, {
      method,
      headers,
      redirect: 'error',
      ...(signal && { signal }),
      ...(body !== undefined && {
        body: (streamed ? ReadableStream.from(body) : body) as NonNullable<RequestInit['body']>,
      }),
      // Fetch demands it for a body that is a stream; the types do not have it yet.
      ...(streamed && ({ duplex: 'half' } as object)),
    })
  } catch (cause) {
    signal?.throwIfAborted()
    throw failure('server_unreachable', { address, reason: reasonOf(cause) }, { cause })
  }
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    trailer: () => undefined,
    body: bodyOf(response, `${method} ${path}`, signal),
  }
}

async function* bodyOf(response: Response, operation: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (!reader) return
  let whole = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) {
        whole = true
        return
      }
      yield value
    }
  } catch (cause) {
    whole = true
    signal?.throwIfAborted()
    throw failure('connection_lost', { operation, reason: reasonOf(cause) }, { cause })
  } finally {
    if (!whole) await reader.cancel()
  }
}

/** Fetch says only "fetch failed"; the reason stands below it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
