import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Logger } from '../controller/index.ts'
import { bearsToken } from './authorization.ts'
import { type Exchanged, exchange, type Outcome } from './exchange.ts'
import { OpenExchanges } from './open-exchanges.ts'
import { type Refusal, refusals } from './refusal.ts'
import { refuse } from './refuse.ts'
import type { RouterConfig } from './router-config.ts'
import type { SandboxDirectory } from './sandbox-directory.ts'
import { isTarget, planTarget, type Target } from './target.ts'
import { readWish, type Wish } from './wish.ts'

export interface RouterOptions {
  readonly config: RouterConfig
  readonly directory: Pick<SandboxDirectory, 'find' | 'changed'>
  readonly log: Logger
  /** How long a request waits for a Sandbox, or its Pod, that is not known yet: a client may know it before the watch has told. Default 2 s. */
  readonly patienceMs?: number
}

const limits = {
  /** Of all headers of a request; the API's clients send a few hundred bytes. */
  maxHeaderSize: 32 * 1024,
  headersTimeout: 15_000,
  connectionsCheckingInterval: 5_000,
  /** Longer than load balancers keep theirs: who closes an idle connection last cannot cut a request off. */
  keepAliveTimeout: 75_000,
  /** Bodies may take as long as they like while they come: silence is what ends an exchange. */
  requestTimeout: 0,
}

/** The way from outside the cluster into sandboxes: HTTP and WebSockets, told by headers where to go. */
export class Router {
  readonly #options: RouterOptions
  readonly #server: Server
  readonly #tunnels = new Set<Socket>()
  readonly #open = new OpenExchanges()
  #closing = false

  constructor(options: RouterOptions) {
    this.#options = options
    this.#server = createServer({
      ...limits,
      // Others, such as h2c, are offers that a server may pass over.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    })
    this.#server.on('request', (incoming, response) => {
      if (this.#closing) response.setHeader('connection', 'close')
      this.#take({ incoming, response })
    })
    this.#server.on('upgrade', (incoming, socket: Socket, head) => this.#upgrade(incoming, socket, head))
  }

  /** Resolves with the port when it listens. */
  async listen(): Promise<number> {
    const { host, port } = this.#options.config.listen
    this.#server.listen({ port, ...(host && { host }) })
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  /** Ends what is under way to these addresses: their Pod is no Sandbox's any more, and should be reached by nobody. */
  cut(addresses: readonly string[]): void {
    for (const address of addresses) this.#open.cut(address)
  }

  /** Takes no new connections, and resolves when what is under way has ended; what has not within `graceMs` is cut. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true
    const closed = once(this.#server, 'close')
    this.#server.close()
    const cut = setTimeout(() => {
      this.#server.closeAllConnections()
      for (const socket of this.#tunnels) socket.destroy()
    }, graceMs)
    // No request of theirs ends: they go at once, so that clients look for another router.
    for (const socket of this.#tunnels) socket.destroySoon()
    await closed
    clearTimeout(cut)
  }

  #upgrade(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => {}) // its close tells
    this.#tunnels.add(socket)
    socket.once('close', () => this.#tunnels.delete(socket))
    // Until the sandbox has agreed, the client is owed an ordinary answer.
    const response = new ServerResponse(incoming)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    // Not half: of a client that leaves its own half open, nobody would ever look again.
    response.once('finish', () => socket.destroySoon())
    this.#take({ incoming, response, upgrade: { socket, head } })
  }

  #take(exchanged: Exchanged): void {
    this.#serve(exchanged).catch((err) => {
      this.#options.log.error({ err }, 'router.request_failed')
      exchanged.response.destroy()
    })
  }

  async #serve(exchanged: Exchanged): Promise<void> {
    const { incoming, response } = exchanged
    const startedAt = performance.now()
    if (isHealthCheck(incoming)) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ status: 'ok' }))
      return
    }
    const wish = this.#admit(incoming)
    const outcome = 'detail' in wish ? refused(exchanged, wish) : await this.#exchange(exchanged, wish)
    this.#report(exchanged, wish, outcome, performance.now() - startedAt)
  }

  #admit({ headers, url = '' }: IncomingMessage): Wish | Refusal {
    const { token, timeoutMs, namespace } = this.#options.config
    if (token !== undefined && !bearsToken(headers.authorization, token)) return refusals.unauthorized
    // The other forms name a host of the client's choice, or a connection through a proxy.
    if (!url.startsWith('/')) return refusals.pathInvalid
    const wish = readWish(headers, timeoutMs)
    if ('detail' in wish || namespace === undefined || wish.namespace === namespace) return wish
    return refusals.unreachable(wish.sandbox)
  }

  async #exchange(exchanged: Exchanged, wish: Wish): Promise<Outcome> {
    const target = await this.#target(exchanged, wish)
    if (exchanged.response.destroyed) return 'client_left'
    if (!isTarget(target)) return refused(exchanged, target)
    this.#open.add(target.host, exchanged)
    return exchange(exchanged, wish, target)
  }

  async #target({ response }: Exchanged, wish: Wish): Promise<Target | Refusal> {
    const { directory, config, patienceMs = 2_000 } = this.#options
    const { namespace, sandbox } = wish
    const plan = () => planTarget(directory.find(namespace, sandbox), wish, config.clusterDomain)
    const first = plan()
    if (first.settled) return first.outcome
    const enough = new AbortController()
    const timer = setTimeout(() => enough.abort(), Math.min(patienceMs, wish.timeoutMs))
    response.once('close', () => enough.abort())
    try {
      for (;;) {
        await directory.changed(namespace, sandbox, enough.signal)
        const { outcome, settled } = plan()
        if (settled || enough.signal.aborted) return outcome
      }
    } finally {
      clearTimeout(timer)
    }
  }

  /** Never the path or a header: what people do in their sandboxes is theirs. */
  #report({ incoming, response }: Exchanged, wish: Wish | Refusal, outcome: Outcome, durationMs: number): void {
    const { log } = this.#options
    const facts = {
      ...(!('detail' in wish) && { namespace: wish.namespace, sandbox: wish.sandbox, port: wish.port }),
      method: incoming.method,
      status: outcome === 'tunnelled' ? 101 : response.statusCode,
      durationMs: Math.round(durationMs * 10) / 10,
    }
    if (typeof outcome === 'string') {
      log[outcome === 'cut_short' ? 'warn' : 'debug']({ ...facts, outcome }, 'router.request')
    } else {
      const { refusal, cause } = outcome
      const reason = cause instanceof Error ? cause.message : undefined
      log.info({ ...facts, outcome: 'refused', detail: refusal.detail, ...(reason && { reason }) }, 'router.request')
    }
  }
}

function refused({ incoming, response }: Exchanged, refusal: Refusal): Outcome {
  refuse(incoming, response, refusal)
  return { refusal }
}

const isHealthCheck = ({ method, url }: IncomingMessage): boolean =>
  (method === 'GET' || method === 'HEAD') && (url === '/healthz' || url?.startsWith('/healthz?') === true)
