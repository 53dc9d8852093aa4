import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2'
import { type BulkheadError, failure } from '@bulkhead/wire'
import type { OperationEnd } from '../operation-log.ts'
import { sendError } from '../send-error.ts'
import { toFailure } from '../to-failure.ts'
import type { GuestProxyContext } from './guest-proxy-context.ts'
import type { GuestTarget } from './guest-target.ts'
import { guestRequestHeaders, hasBody } from './request-headers.ts'
import { guestResponseHead, guestTrailers } from './response-headers.ts'

/** Informational responses (1xx) a guest may send before its answer; each costs the host work and gives the client nothing. */
const maxInformational = 8

/** Calls under way on each session. */
const openStreams = new WeakMap<ClientHttp2Session, number>()
const streamsOf = (session: ClientHttp2Session): number => openStreams.get(session) ?? 0

/**
 * One call to a guest: a request of HTTP/1.1 and a stream of HTTP/2, tied together until both have ended.
 *
 * - Back-pressure goes through in both directions: at most one stream window (set by the session) waits in this process.
 * - The client leaves → the stream is reset with CANCEL. What it started in the guest lives on.
 * - The guest fails before its head → an ErrorBody. After it → the client's connection is cut, so that it sees the answer is incomplete.
 */
export class GuestCall {
  readonly #context: GuestProxyContext
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #target: GuestTarget
  readonly #startedAt = performance.now()
  /**
   * Aborted when nobody waits any more: ends the wait for a session, and resets the stream. Not through `stream.close`, which ends the
   * request first: the guest would take half an upload for a whole one.
   */
  readonly #cancel = new AbortController()
  #stream: ClientHttp2Stream | undefined
  #cause: unknown
  #informational = 0
  #uploading = false
  #bytesIn = 0
  #bytesOut = 0
  /** The guest's answer came whole. */
  #complete = false
  #settled = false

  constructor(context: GuestProxyContext, request: IncomingMessage, response: ServerResponse, target: GuestTarget) {
    this.#context = context
    this.#request = request
    this.#response = response
    this.#target = target
  }

  start(): void {
    this.#context.metrics.openGuestCalls += 1
    this.#context.closing.addEventListener('abort', this.#onServerClosing)
    this.#response.once('close', () => this.#onClientClosed())
    // Without a listener an aborted request would be an uncaught error; what follows from it is done when the response closes.
    this.#request.on('error', () => {})
    void this.#open(true)
  }

  /** `mayRetry`: a session can end between being handed out and being used; then nothing was sent, and one more try is safe. */
  async #open(mayRetry: boolean): Promise<void> {
    const { backend } = this.#context
    try {
      const { session, accessToken } = await backend.channel(this.#target.sandboxId, this.#cancel.signal)
      if (this.#settled) return
      const { method = 'GET', headers } = this.#request
      const withBody = hasBody(headers)
      if (session.closed || session.destroyed) {
        if (mayRetry) return this.#open(false)
        throw this.#unreachable('its session ends as soon as it begins')
      }
      this.#needRoom(session)
      const sent = guestRequestHeaders(method, this.#target.path, headers, accessToken)
      const stream = session.request(sent, { endStream: !withBody, signal: this.#cancel.signal })
      openStreams.set(session, streamsOf(session) + 1)
      stream.once('close', () => openStreams.set(session, streamsOf(session) - 1))
      this.#follow(stream, mayRetry)
      if (!withBody) return
      if (stream.pending) stream.once('ready', () => this.#upload(stream))
      else this.#upload(stream)
    } catch (error) {
      this.#fail(toFailure(error, 'guest.call'))
    }
  }

  /** Beyond what the guest takes at once, HTTP/2 would keep the call waiting, for as long as the others last, without a word. */
  #needRoom(session: ClientHttp2Session): void {
    const limit = session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY
    if (streamsOf(session) >= limit) throw failure('guest_busy', { id: this.#target.sandboxId, limit })
  }

  #follow(stream: ClientHttp2Stream, mayRetry: boolean): void {
    this.#stream = stream
    const response = this.#response
    stream.on('headers', () => {
      this.#informational += 1
      if (this.#informational > maxInformational) this.#refuseAnswer('endless informational responses')
    })
    stream.on('response', (headers) => this.#onHead(stream, headers))
    stream.on('trailers', (trailers) => {
      const passed = guestTrailers(trailers)
      if (passed && !response.writableEnded && response.headersSent) response.addTrailers(passed)
    })
    stream.on('error', (error) => {
      this.#cause = error
    })
    stream.on('end', () => {
      // A stream that was reset, or destroyed with its session, may end, too; it has not said all it had to say.
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR || stream.destroyed || !response.headersSent) return
      this.#complete = true
      response.end()
    })
    stream.on('close', () => {
      if (this.#complete || this.#settled) return
      const unsent = stream.id === undefined || stream.rstCode === constants.NGHTTP2_REFUSED_STREAM
      if (response.headersSent) this.#settle('cut_short', () => response.destroy())
      else if (mayRetry && unsent && !this.#uploading) void this.#open(false)
      else this.#fail(this.#unreachable(closeReason(stream, this.#cause)))
    })
  }

  #onHead(stream: ClientHttp2Stream, received: IncomingHttpHeaders): void {
    if (this.#settled) return
    const head = guestResponseHead(received)
    if (head.kind === 'invalid') {
      this.#refuseAnswer(head.problem)
      return
    }
    const response = this.#response
    response.writeHead(head.status, head.headers)
    response.on('drain', () => stream.resume())
    stream.on('data', (chunk: Buffer) => {
      this.#bytesOut += chunk.byteLength
      if (!response.write(chunk)) stream.pause()
    })
    // The head goes out with the first of the body where that is there already, and alone where the guest takes its time.
    setImmediate(() => {
      if (!response.writableEnded && !response.destroyed) response.flushHeaders()
    })
  }

  #upload(stream: ClientHttp2Stream): void {
    const request = this.#request
    this.#uploading = true
    request.on('data', (chunk: Buffer) => {
      this.#bytesIn += chunk.byteLength
      if (!stream.write(chunk)) request.pause()
    })
    stream.on('drain', () => request.resume())
    request.on('end', () => stream.end())
    // A guest that has answered needs no more of the body; what the client still sends is read and dropped, so that it gets to the answer.
    stream.on('close', () => request.removeAllListeners('data').resume())
  }

  readonly #onServerClosing = (): void => {
    if (this.#response.headersSent) this.#settle('cut_short', () => this.#response.destroy())
    else this.#fail(failure('server_stopping', {}))
  }

  #onClientClosed(): void {
    if (this.#complete && this.#response.writableFinished) this.#settle('ok')
    else this.#settle('client_left')
  }

  #refuseAnswer(problem: string): void {
    this.#fail(failure('guest_answer_invalid', { id: this.#target.sandboxId, problem }))
  }

  #unreachable(reason: string): BulkheadError {
    return failure('guest_unreachable', { id: this.#target.sandboxId, reason }, { cause: this.#cause })
  }

  #fail(error: BulkheadError): void {
    this.#settle({ error }, () => {
      if (this.#response.headersSent) this.#response.destroy()
      else sendError(this.#response, error)
    })
  }

  /** Once: what was learned first is what counts. Frees the guest's stream in any case. */
  #settle(outcome: OperationEnd['outcome'], then?: () => void): void {
    if (this.#settled) return
    this.#settled = true
    const { metrics, log, closing } = this.#context
    closing.removeEventListener('abort', this.#onServerClosing)
    if (outcome !== 'ok' || this.#stream?.writableEnded === false) this.#cancel.abort()
    then?.()
    metrics.openGuestCalls -= 1
    metrics.guestBytes.add({ direction: 'in' }, this.#bytesIn)
    metrics.guestBytes.add({ direction: 'out' }, this.#bytesOut)
    const facts = {
      sandboxId: this.#target.sandboxId,
      method: this.#request.method,
      route: this.#target.route.slice(0, 200),
      status: this.#response.statusCode,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
    }
    log.ended({ operation: 'guest.call', durationMs: performance.now() - this.#startedAt, facts, outcome }, 'debug')
  }
}

function closeReason(stream: ClientHttp2Stream, cause: unknown): string {
  if (cause instanceof Error) return cause.message.slice(0, 200)
  return stream.rstCode ? `it reset the call (HTTP/2 code ${stream.rstCode})` : 'its session ended'
}
