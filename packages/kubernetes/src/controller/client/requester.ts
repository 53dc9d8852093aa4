import { type Clock, sleep } from '../clock.ts'
import type { Fence } from '../fence.ts'
import type { Lane } from '../queue/lanes.ts'
import type { TokenBucketOptions } from '../queue/token-bucket.ts'
import type { ClientMetrics } from '../telemetry/client-metrics.ts'
import { traced, traceHeaders } from '../telemetry/tracing.ts'
import { ApiError, isUnauthorized, parseRetryAfter, parseStatus } from './api-error.ts'
import type { ClusterAccess } from './cluster-access.ts'
import { isTimeout, linkSignals } from './linked-signal.ts'
import { RequestGate } from './request-gate.ts'
import { retryDelayMs } from './retry.ts'
import { Transport, type TransportResponse } from './transport.ts'
import { TransportError } from './transport-error.ts'

export interface RequesterOptions {
  readonly access: ClusterAccess
  readonly clock: Clock
  /** Default: without limit, as `kube-api-qps` -1. */
  readonly rate?: TokenBucketOptions
  /** Calls under way at once, and so the connections for them. Default 32. */
  readonly inFlight?: number
  readonly userAgent?: string
  readonly metrics?: ClientMetrics
  /** For back-off. Default Math.random. */
  readonly random?: () => number
}

/** How one call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /**
   * How urgent it is against the other calls of this client; default `normal`. `exempt` waits for neither rate nor place: for the lease, on which
   * everything else depends.
   */
  readonly lane?: Lane | 'exempt' | undefined
  /** Default 65 s: longer than the API server takes itself to give up on a request (60 s), so that its answer comes first. */
  readonly timeoutMs?: number | undefined
  /** False: one try. For callers that have a back-off of their own. Default true, see `retry.ts`. */
  readonly retry?: boolean | undefined
}

export interface ApiRequest {
  /** `PATCH sandboxes.agents.x-k8s.io default/a`: for errors. */
  readonly operation: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly contentType?: string
  readonly body?: unknown
  readonly call?: CallOptions | undefined
  /** Checked before each try, when its first byte would go out. */
  readonly fence?: Fence | undefined
}

const defaultTimeoutMs = 65_000
const defaultInFlight = 32
/** For `exempt` calls, beyond those of the gate. */
const exemptConnections = 2
const unlimited: TokenBucketOptions = { perSecond: -1, burst: 1 }

/** Requests to one API server, as JSON: limits, retries where they are safe, fresh credentials, errors, metrics and spans. */
export class Requester implements AsyncDisposable {
  readonly #access: ClusterAccess
  readonly #clock: Clock
  readonly #transport: Transport
  readonly #gate: RequestGate
  readonly #userAgent: string
  readonly #metrics: ClientMetrics | undefined
  readonly #random: () => number

  constructor(options: RequesterOptions) {
    const { access, clock, rate = unlimited, inFlight = defaultInFlight } = options
    this.#access = access
    this.#clock = clock
    this.#transport = new Transport({ access, connections: inFlight + exemptConnections })
    this.#gate = new RequestGate({ clock, rate, inFlight })
    this.#userAgent = options.userAgent ?? 'bulkhead-kubernetes'
    this.#metrics = options.metrics
    this.#random = options.random ?? Math.random
  }

  get access(): ClusterAccess {
    return this.#access
  }

  get clock(): Clock {
    return this.#clock
  }

  /** The parsed answer. Fails as {@link text} does, and with {@link TransportError} when it is no JSON. */
  async call(request: ApiRequest): Promise<unknown> {
    const text = await this.text(request)
    try {
      return JSON.parse(text)
    } catch (error) {
      throw new TransportError(request.operation, false, error)
    }
  }

  /** The answer. Fails with {@link ApiError}, {@link TransportError}, what the fence throws, or the signal's reason. */
  text(request: ApiRequest): Promise<string> {
    const attributes = { 'http.request.method': request.method, 'url.path': request.path }
    return traced(request.operation, 'client', attributes, async () => {
      const { signal, timeoutMs = defaultTimeoutMs } = request.call ?? {}
      using link = linkSignals([signal, request.fence?.signal], { clock: this.#clock, ms: timeoutMs })
      return await this.#untilAnswered(request, link.signal, async () => {
        using _place = await this.#enter(request.call?.lane ?? 'normal', link.signal)
        const response = await this.#send('call', request, link.signal)
        return await readAll(request, response, link.signal)
      })
    })
  }

  /** The answer as a stream, on a connection of its own, outside of rate and places; one try. Ends with `signal`. */
  open(request: ApiRequest, signal: AbortSignal): Promise<TransportResponse> {
    return traced(request.operation, 'client', { 'url.path': request.path }, async () => {
      try {
        return await this.#send('watch', request, signal)
      } catch (error) {
        if (isUnauthorized(error)) this.#access.refresh()
        throw error
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]()
  }

  async #untilAnswered(request: ApiRequest, signal: AbortSignal, attempt: () => Promise<string>): Promise<string> {
    let refreshed = false
    for (let tries = 1; ; tries++) {
      try {
        return await attempt()
      } catch (error) {
        if (isUnauthorized(error) && !refreshed) {
          // Refused before anything was done, maybe because a token has been renewed since it was read.
          refreshed = true
          this.#access.refresh()
          continue
        }
        const { method, call } = request
        const delayMs = call?.retry === false ? undefined : retryDelayMs(error, { method, tries, random: this.#random })
        if (delayMs === undefined) throw error
        this.#metrics?.retried({ method, code: error instanceof ApiError ? String(error.code) : '<error>' })
        await sleep(this.#clock, delayMs, signal).catch((reason) => {
          // The time is over: what went wrong says more than that.
          throw isTimeout(reason) ? error : reason
        })
      }
    }
  }

  async #enter(lane: Lane | 'exempt', signal: AbortSignal): Promise<Disposable> {
    if (lane === 'exempt') return { [Symbol.dispose]: () => {} }
    const began = this.#clock.now()
    const place = await this.#gate.enter(lane, signal)
    this.#metrics?.waited(this.#clock.now() - began)
    return place
  }

  /** Resolves with a 2xx answer. */
  async #send(kind: 'call' | 'watch', request: ApiRequest, signal: AbortSignal): Promise<TransportResponse> {
    const { operation, method, path, query = {}, contentType, body, fence } = request
    const began = this.#clock.now()
    const requested = (code: string) => this.#metrics?.requested({ method, code, tookMs: this.#clock.now() - began })
    let response: TransportResponse
    try {
      response = await this.#transport.send(kind, {
        operation,
        method,
        path: withQuery(path, query),
        headers: {
          accept: 'application/json',
          'user-agent': this.#userAgent,
          ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
          ...traceHeaders(),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        beforeSend: fence && (() => fence.assertHeld()),
      })
    } catch (error) {
      requested('<error>')
      throw error
    }
    requested(String(response.status))
    if (response.status >= 200 && response.status < 300) return response
    const status = parseStatus(await readAll(request, response, signal))
    const retryAfter = parseRetryAfter(response.headers['retry-after']?.toString(), this.#clock.wall())
    throw new ApiError(operation, response.status, status, retryAfter)
  }
}

async function readAll(request: ApiRequest, response: TransportResponse, signal: AbortSignal): Promise<string> {
  try {
    return await response.body.text()
  } catch (error) {
    if (signal.aborted && !isTimeout(signal.reason)) throw signal.reason
    throw new TransportError(request.operation, false, error)
  }
}

function withQuery(path: string, query: NonNullable<ApiRequest['query']>): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given as [string, string][])}`
}
