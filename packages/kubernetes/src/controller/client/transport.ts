import type { Readable } from 'node:stream'
import { buildConnector, type Dispatcher, Pool } from 'undici'
import type { ClusterAccess, ClusterTls } from './cluster-access.ts'
import { isTimeout } from './linked-signal.ts'
import { TransportError } from './transport-error.ts'

export interface TransportOptions {
  readonly access: ClusterAccess
  /** Connections for calls; watches have connections of their own, one each. */
  readonly connections: number
}

export interface TransportRequest {
  /** For errors. */
  readonly operation: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With its query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly signal: AbortSignal
  /** Called when a connection is there and the first byte would go out next. If it throws, none does. */
  readonly beforeSend?: (() => void) | undefined
}

export interface TransportResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Readable & { text(): Promise<string> }
}

/** A dead peer shows after this long and ten probes a second apart (libuv's TCP_KEEPINTVL and TCP_KEEPCNT): half-open watches end by it. */
const keepAliveInitialDelayMs = 15_000
const connectTimeoutMs = 10_000
/** Below the 90 s after which the API server ends an idle connection: a request must not meet the end of its connection. */
const idleConnectionMs = 60_000

interface GuardedOptions extends Dispatcher.DispatchOptions {
  readonly beforeSend?: () => void
}

/**
 * HTTP/1.1 to one API server, over pools with limits. Calls and watches have a pool each, so that a hundred open watches leave every connection to
 * the calls. There is no idle time-out on bodies: a watch may be silent, and its reader sets its own deadline.
 */
export class Transport implements AsyncDisposable {
  readonly #access: ClusterAccess
  readonly #prefix: string
  readonly #calls: Pool
  readonly #watches: Pool

  constructor({ access, connections }: TransportOptions) {
    this.#access = access
    this.#prefix = access.server.pathname.replace(/\/$/, '')
    this.#calls = this.#pool(connections)
    this.#watches = this.#pool(null)
  }

  /** Resolves when the head of the answer is there. Fails with {@link TransportError}, the signal's reason or what `beforeSend` threw. */
  async send(kind: 'call' | 'watch', request: TransportRequest): Promise<TransportResponse> {
    const { operation, method, path, headers, body, signal, beforeSend } = request
    signal.throwIfAborted()
    const progress: { started: boolean; refusal?: { readonly error: unknown } } = { started: false }
    const dispatcher = (kind === 'call' ? this.#calls : this.#watches).compose((dispatch) => (options, handler) => {
      const guarded = guard(handler, () => {
        try {
          beforeSend?.()
        } catch (error) {
          progress.refusal = { error }
          throw error
        }
        progress.started = true
      })
      return dispatch(options as GuardedOptions, guarded)
    })
    try {
      const response = await dispatcher.request({
        method,
        path: this.#prefix + path,
        headers: { ...headers, ...(await this.#access.headers()) },
        body: body ?? null,
        signal,
      })
      return { status: response.statusCode, headers: response.headers, body: response.body }
    } catch (error) {
      if (progress.refusal) throw progress.refusal.error
      // A deadline that passed is no answer, too, and whether the request went out still matters.
      if (signal.aborted && !isTimeout(signal.reason)) throw signal.reason
      throw new TransportError(operation, !progress.started, error)
    }
  }

  /** Cuts what is open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#calls.destroy(), this.#watches.destroy()])
  }

  #pool(connections: number | null): Pool {
    return new Pool(this.#access.server.origin, {
      connections,
      pipelining: 1,
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: idleConnectionMs,
      keepAliveMaxTimeout: idleConnectionMs,
      connect: this.#connector(),
    })
  }

  /** One connector while the certificates stay as they are, so that TLS sessions are resumed; another when they have changed. */
  #connector(): buildConnector.connector {
    let current: { readonly key: string; readonly connect: buildConnector.connector } | undefined
    const connectorFor = (tls: ClusterTls) => {
      const key = JSON.stringify(tls)
      if (current?.key !== key) {
        const options = { timeout: connectTimeoutMs, keepAliveInitialDelay: keepAliveInitialDelayMs, allowH2: false }
        current = { key, connect: buildConnector({ ...tls, ...options } as buildConnector.BuildOptions) }
      }
      return current.connect
    }
    return (options, callback) => {
      this.#access.tls().then(
        (tls) => connectorFor(tls)(options, callback),
        (error) => callback(error, null)
      )
    }
  }
}

/** The handler, asked before its request starts: what `onStart` throws fails the request before it is written (undici, `writeH1`). */
function guard(handler: Dispatcher.DispatchHandler, onStart: () => void): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (controller, context) => {
      onStart()
      handler.onRequestStart?.(controller, context)
    },
    onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
    onResponseStarted: () => handler.onResponseStarted?.(),
    onResponseStart: (...args) => handler.onResponseStart?.(...args),
    onResponseData: (...args) => handler.onResponseData?.(...args),
    onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
    onResponseError: (...args) => handler.onResponseError?.(...args),
    onBodySent: (chunk) => handler.onBodySent?.(chunk),
    onRequestSent: () => handler.onRequestSent?.(),
  }
}
