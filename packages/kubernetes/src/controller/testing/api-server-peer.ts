import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ClusterAccess } from '../client/cluster-access.ts'
import type { KubernetesObject, Stored } from '../client/kubernetes-object.ts'

export interface PeerRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
  readonly isWatch: boolean
}

/** What a script answers in the peer's place; undefined: the peer answers itself. `cut`: the connection is destroyed without an answer. */
export type Script = (
  request: PeerRequest,
  response: ServerResponse
) => PeerAnswer | undefined | Promise<PeerAnswer | undefined>
export type PeerAnswer =
  | { readonly status: number; readonly body: object; readonly headers?: Record<string, string> }
  | 'cut'
  /** The script has taken the response over. */
  | 'taken'

interface Change {
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly collection: string
  readonly object: Stored
}

/** A watch as the server sees it. */
export interface OpenWatch {
  readonly query: URLSearchParams
  readonly response: ServerResponse
  /** True: gets no events by itself; what the test writes is all there is. */
  silent: boolean
  /** Text as it is, not necessarily a line. */
  write(text: string): void
  event(type: string, object: object): void
  /** The orderly end. */
  end(): void
  /** The connection is gone. */
  cut(): void
}

interface Address {
  readonly collection: string
  readonly namespace: string | undefined
  readonly name: string | undefined
}

/**
 * An API server for tests, over real HTTP on loopback: objects with versions, pages, watches with resume and compaction, optimistic locking and
 * merge patches; and every fault a test wants, through {@link script} and the open {@link watches}. No schema, no selectors.
 */
export class ApiServerPeer implements AsyncDisposable {
  readonly requests: PeerRequest[] = []
  readonly watches = new Set<OpenWatch>()
  script: Script | undefined
  /** Watches and pages from before this version are answered with 410. */
  compactedTo = 0
  /** How a watch from before that is refused: with the HTTP status, or after a 200 with an ERROR event. */
  gone: 'status' | 'event' = 'status'

  readonly #server: Server
  readonly #objects = new Map<string, Map<string, Stored>>()
  readonly #history: Change[] = []
  readonly #waiters = new Set<() => void>()
  #version = 1
  #port = 0

  static async start(): Promise<ApiServerPeer> {
    const peer = new ApiServerPeer()
    await peer.listen()
    return peer
  }

  constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy())
    })
  }

  /** Starts to answer, on the same port as before. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Cuts all connections and refuses new ones. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.refuse()
  }

  get access(): ClusterAccess {
    return {
      server: new URL(`http://127.0.0.1:${this.#port}`),
      namespace: 'default',
      tls: async () => ({}),
      headers: async () => ({}),
      refresh: () => {},
    }
  }

  get version(): number {
    return this.#version
  }

  /** Resolves when `holds` does; asked after each request, watch and change. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiters.add(resolve)
      await promise
      this.#waiters.delete(resolve)
    }
  }

  /** Resolves with a watch that is not in `but`, as soon as there is one. */
  async watch(...but: readonly OpenWatch[]): Promise<OpenWatch> {
    const find = () => [...this.watches].find((watch) => !but.includes(watch))
    await this.until(() => find() !== undefined)
    return find() as OpenWatch
  }

  /** Creates or changes an object, as if somebody else had. `collection`: `pods`, `leases.coordination.k8s.io`. */
  put(collection: string, object: KubernetesObject): Stored {
    const key = `${object.metadata?.namespace ?? ''}/${object.metadata?.name}`
    const all = this.#collection(collection)
    const before = all.get(key)
    this.#version += 1
    const stored: Stored = {
      apiVersion: 'v1',
      kind: 'Thing',
      ...object,
      metadata: {
        creationTimestamp: '2026-01-01T00:00:00Z',
        uid: before?.metadata.uid ?? randomUUID(),
        ...object.metadata,
        name: object.metadata?.name as string,
        resourceVersion: String(this.#version),
      },
    }
    all.set(key, stored)
    this.#record({ version: this.#version, type: before ? 'MODIFIED' : 'ADDED', collection, object: stored })
    return stored
  }

  remove(collection: string, name: string, namespace = 'default'): void {
    const all = this.#collection(collection)
    const before = all.get(`${namespace}/${name}`)
    if (!before) throw new Error(`nothing to remove: ${collection} ${namespace}/${name}`)
    all.delete(`${namespace}/${name}`)
    this.#version += 1
    const metadata = { ...before.metadata, resourceVersion: String(this.#version) }
    this.#record({ version: this.#version, type: 'DELETED', collection, object: { ...before, metadata } })
  }

  read(collection: string, name: string, namespace = 'default'): Stored | undefined {
    return this.#collection(collection).get(`${namespace}/${name}`)
  }

  names(collection: string): string[] {
    return [...this.#collection(collection).values()].map((object) => object.metadata.name)
  }

  /** Makes the server forget everything that came before now. */
  compact(): void {
    this.compactedTo = this.#version
  }

  #collection(name: string): Map<string, Stored> {
    const found = this.#objects.get(name) ?? new Map<string, Stored>()
    this.#objects.set(name, found)
    return found
  }

  #record(change: Change): void {
    this.#history.push(change)
    for (const watch of this.watches) {
      const { collection } = addressOf(watch.response.req.url ?? '')
      if (!watch.silent && collection === change.collection) watch.event(change.type, change.object)
    }
    this.#changed()
  }

  #changed(): void {
    for (const waiter of [...this.#waiters]) waiter()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const url = new URL(request.url ?? '', 'http://peer')
    const text = Buffer.concat(chunks).toString()
    const seen: PeerRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: text ? JSON.parse(text) : undefined,
      isWatch: url.searchParams.has('watch'),
    }
    this.requests.push(seen)
    this.#changed()
    const answer =
      (await this.script?.(seen, response)) ?? (seen.isWatch ? this.#watch(seen, response) : this.#answer(seen))
    if (answer === 'cut') response.destroy()
    else if (answer !== 'taken') {
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      response.end(JSON.stringify(answer.body))
    }
    this.#changed()
  }

  #watch(request: PeerRequest, response: ServerResponse): PeerAnswer {
    const { collection } = addressOf(request.path)
    const from = Number(request.query.get('resourceVersion') ?? 0)
    const tooOld = from < this.compactedTo
    if (tooOld && this.gone === 'status') return status(410, 'Expired', `too old resource version: ${from}`)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    const watch: OpenWatch = {
      query: request.query,
      response,
      silent: false,
      write: (text) => void response.write(text),
      event: (type, object) => watch.write(`${JSON.stringify({ type, object })}\n`),
      end: () => void response.end(),
      cut: () => void response.destroy(),
    }
    if (tooOld) {
      watch.event('ERROR', status(410, 'Expired', `too old resource version: ${from}`).body)
      watch.end()
      return 'taken'
    }
    for (const change of this.#history)
      if (change.collection === collection && change.version > from) watch.event(change.type, change.object)
    this.watches.add(watch)
    response.once('close', () => {
      this.watches.delete(watch)
      this.#changed()
    })
    return 'taken'
  }

  #answer({ method, path, query, body, headers }: PeerRequest): PeerAnswer & object {
    const { collection, namespace, name } = addressOf(path)
    if (method === 'GET' && !name) return this.#list(collection, namespace, query)
    if (method === 'POST') return this.#create(collection, { ...(body as object) })
    const found = this.#collection(collection).get(`${namespace ?? ''}/${name}`)
    if (!found) return status(404, 'NotFound', `${collection} "${name}" not found`)
    if (method === 'GET') return { status: 200, body: found }
    if (method === 'DELETE') {
      this.remove(collection, found.metadata.name, namespace)
      return { status: 200, body: { kind: 'Status', status: 'Success' } }
    }
    const next = (method === 'PATCH' ? mergeInto(found, body, headers['content-type']) : body) as KubernetesObject
    const wanted = next.metadata?.resourceVersion
    if (wanted && wanted !== found.metadata.resourceVersion)
      return status(409, 'Conflict', 'the object has been modified; please apply your changes to the latest version')
    return { status: 200, body: this.put(collection, next) }
  }

  #create(collection: string, object: KubernetesObject): PeerAnswer & object {
    const { namespace = '', name } = object.metadata ?? {}
    if (this.#collection(collection).has(`${namespace}/${name}`))
      return status(409, 'AlreadyExists', `${collection} "${name}" already exists`)
    return { status: 201, body: this.put(collection, object) }
  }

  /** A list is a state of the world at one version; its later pages are cut from the same state, kept in the token. */
  readonly #snapshots = new Map<string, { readonly version: number; readonly rest: readonly Stored[] }>()

  #list(collection: string, namespace: string | undefined, query: URLSearchParams): PeerAnswer & object {
    const token = query.get('continue')
    const kept = token ? this.#snapshots.get(token) : undefined
    if (token && (!kept || kept.version < this.compactedTo))
      return status(410, 'Expired', 'the provided continue parameter is too old')
    const all = [...this.#collection(collection).values()]
    const items = kept?.rest ?? all.filter((object) => !namespace || object.metadata.namespace === namespace)
    const version = kept?.version ?? this.#version
    const limit = Number(query.get('limit') ?? 0) || items.length
    const rest = items.slice(limit)
    const next = rest.length > 0 ? randomUUID() : undefined
    if (next) this.#snapshots.set(next, { version, rest })
    const metadata = { resourceVersion: String(version), ...(next && { continue: next }) }
    return { status: 200, body: { kind: 'List', apiVersion: 'v1', metadata, items: items.slice(0, limit) } }
  }
}

export const status = (code: number, reason: string, message: string, headers: Record<string, string> = {}) => ({
  status: code,
  headers,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message },
})

function addressOf(url: string): Address {
  const parts = new URL(url, 'http://peer').pathname.split('/').slice(1)
  const group = parts[0] === 'apis' ? parts[1] : ''
  const rest = parts.slice(parts[0] === 'apis' ? 3 : 2)
  const [namespace, plural, name] = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(1) : [undefined, ...rest]
  return { collection: group ? `${plural}.${group}` : `${plural}`, namespace, name }
}

function mergeInto(target: object, patch: unknown, contentType: string | undefined): object {
  if (contentType === 'application/json-patch+json') throw new Error('the peer knows no JSON patches')
  const merged: Record<string, unknown> = { ...target }
  for (const [name, value] of Object.entries(patch as object)) {
    const before = merged[name]
    if (value === null) delete merged[name]
    else if (typeof value !== 'object' || Array.isArray(value)) merged[name] = value
    else merged[name] = mergeInto(typeof before === 'object' && before !== null ? before : {}, value, contentType)
  }
  return merged
}
