import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { requestHeaders, responseHeaders } from './forwarded-headers.ts'
import { podLookup } from './pod-lookup.ts'
import { type Refusal, refusals } from './refusal.ts'
import { refuse } from './refuse.ts'
import { Silence } from './silence.ts'
import type { Target } from './target.ts'
import { joinSockets, writeSwitch } from './tunnel.ts'
import type { Wish } from './wish.ts'

/** A Pod's network answers at once or not at all. */
const connectMs = 10_000
const maxHeaderBytes = 64 * 1024

/** `cut_short`: the answer's head was out when it failed. `client_left`: nobody waits for the answer. */
export type Outcome =
  | 'ok'
  | 'tunnelled'
  | 'client_left'
  | 'cut_short'
  | { readonly refusal: Refusal; readonly cause?: unknown }

export interface Exchanged {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  /** When the client wants to change protocol: its connection, and what has been read of it already. */
  readonly upgrade?: { readonly socket: Duplex; readonly head: Buffer }
}

/**
 * One request to a sandbox and its answer, tied together until both have ended. Nothing is held back: bytes go on as they come, and who does not read
 * stops who writes. Whoever leaves ends it for the other side. A silence of both sides ends it, too, before the answer with a 504, after it with a cut.
 *
 * Why Node's own client, and no proxy library: of those, http-proxy-3 lets an answer that a sandbox cuts short look whole to the client, reply-from
 * rewrites paths (`%2e%2e`), and undici cannot pass on the answer of a sandbox that refuses to change protocol. What is left of such a library for
 * this router's case is this file.
 *
 * A connection is used once: a sandbox may close an idle one just as the next request is sent on it, and then nobody can say whether a command ran.
 */
export async function exchange(
  { incoming, response, upgrade }: Exchanged,
  wish: Wish,
  target: Target
): Promise<Outcome> {
  const cancel = new AbortController()
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  let settled = false
  /** Once: what was learned first is what counts. Ends the sandbox's side in any case. */
  const settle = (outcome: Outcome): void => {
    settled = true
    resolve(outcome)
    cancel.abort()
  }
  const fail = (refusal: Refusal, cause?: unknown): void => {
    if (settled) return
    settle(response.headersSent ? 'cut_short' : { refusal, cause })
    if (response.headersSent) response.destroy()
    else refuse(incoming, response, refusal)
  }
  using silence = new Silence(wish.timeoutMs, () => fail(refusals.silent(wish.sandbox)))

  let outgoing: ClientRequest
  try {
    outgoing = request({
      host: target.host,
      port: wish.port,
      method: incoming.method,
      path: incoming.url,
      headers: requestHeaders(incoming.rawHeaders, upgrade && incoming.headers.upgrade),
      agent: false,
      signal: cancel.signal,
      lookup: podLookup,
      maxHeaderSize: maxHeaderBytes,
    })
  } catch (cause) {
    fail(refusals.pathInvalid, cause)
    return promise
  }
  outgoing.once('socket', (socket) => {
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${connectMs} ms`)), connectMs)
    socket.once('connect', () => clearTimeout(timer)).once('close', () => clearTimeout(timer))
    socket.setNoDelay()
  })
  let answered = false
  outgoing.on('error', (cause) => {
    // A sandbox that has answered may refuse the rest of a body: whether its answer is whole is seen in that.
    if (!answered) fail(refusals.unreachable(wish.sandbox), cause)
  })

  outgoing.once('response', (answer) => {
    answered = true
    // It changes protocol, and does not say to which: nobody could follow.
    if (answer.statusCode === 101) return fail(refusals.unreachable(wish.sandbox))
    answer.on('error', () => {}) // what follows from it is done when it closes
    answer.once('close', () => {
      if (!answer.complete) fail(refusals.unreachable(wish.sandbox))
    })
    try {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, responseHeaders(answer.rawHeaders))
    } catch (cause) {
      fail(refusals.unreachable(wish.sandbox), cause)
      return
    }
    answer.on('data', silence.broken)
    answer.pipe(response)
    // The head goes out with the first of the body where that is there already, and alone where the sandbox takes its time.
    setImmediate(() => {
      if (!response.writableEnded && !response.destroyed) response.flushHeaders()
    })
  })
  response.once('close', () => {
    if (!settled) settle(response.writableFinished ? 'ok' : 'client_left')
  })

  if (upgrade) {
    const { socket, head } = upgrade
    outgoing.once('upgrade', (answer, far, farHead) => {
      if (settled) {
        far.destroy()
        return
      }
      response.detachSocket(socket as never)
      writeSwitch(socket, answer)
      settled = true
      resolve('tunnelled')
      joinSockets(socket, head, far, farHead)
    })
    outgoing.end()
  } else {
    // Nobody has asked for that.
    outgoing.once('upgrade', (_answer, far) => {
      far.destroy()
      fail(refusals.unreachable(wish.sandbox))
    })
    sendBody(incoming, outgoing, silence)
  }
  return await promise
}

function sendBody(incoming: IncomingMessage, outgoing: ClientRequest, silence: Silence): void {
  incoming.on('error', () => {}) // the response's close tells
  incoming.on('data', silence.broken)
  incoming.pipe(outgoing)
  // A sandbox may answer before it has read the body. What the client still sends is read and dropped, so that it gets to the answer.
  outgoing.once('close', () => {
    incoming.unpipe(outgoing)
    incoming.resume()
  })
}
