import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiRequest, parseApiRequest } from './api-request.ts'
import { makeServingCertificate } from './serving-certificate.ts'
import { passWatch, type WatchFault, withShortLife } from './watch-faults.ts'

/** What becomes of a request. */
export type Fault =
  /** The API server never hears of it. */
  | { readonly kind: 'refuse'; readonly status: number; readonly retryAfterSeconds?: number }
  /** The connection is cut before anything was done. */
  | { readonly kind: 'lose-request' }
  /** Carried out; the connection is cut, and the client does not know whether it was. */
  | { readonly kind: 'lose-answer' }
  /** Carried out, and answered with an error. */
  | { readonly kind: 'belie'; readonly status: number }
  /** Carried out and answered, later. */
  | { readonly kind: 'delay'; readonly ms: number }
  | WatchFault

export interface FaultProxy extends AsyncDisposable {
  /** Path of a kubeconfig for whoever is to be put through the faults. */
  readonly kubeconfig: string
  /** Asked for each request that arrives; the proxy waits for it. Undefined: nothing happens to it. */
  onRequest: (request: ApiRequest) => Fault | undefined | Promise<Fault | undefined>
  /** Told when the API server has carried a call out, and the client does not know it yet; the proxy waits for it. Not for watches. */
  onAnswer: (request: ApiRequest, status: number) => void | Promise<void>
  /** Faults that have happened: those of a watch may have to wait for what comes on it. */
  readonly struck: ReadonlySet<Fault>
  /** Requests whose head has arrived, in order. */
  readonly arrived: readonly ApiRequest[]
  /** Cuts all connections that are open, in the middle of whatever is under way. */
  cut(): void
}

interface Upstream {
  readonly server: string
  readonly agent: Agent
}

/**
 * An HTTPS server between one client and the API server, which asks the API server with the credentials of the kubeconfig `upstream`. A request that
 * was passed on is carried out even if its client ends meanwhile.
 */
export async function openFaultProxy(upstream: string): Promise<FaultProxy> {
  await using undo = new AsyncDisposableStack()
  const api = await readUpstream(upstream)
  undo.defer(() => api.agent.destroy())
  const { certificate, key } = await makeServingCertificate()
  const folder = await mkdtemp(join(tmpdir(), 'bulkhead-fault-proxy-'))
  undo.defer(() => rm(folder, { recursive: true, force: true }))
  const arrived: ApiRequest[] = []
  const struck = new Set<Fault>()

  const server = createServer({ cert: certificate, key }, async (incoming, outgoing) => {
    outgoing.on('error', () => {}) // the client has ended, and nobody is to be told
    incoming.on('error', () => {})
    const asked = parseApiRequest(incoming.method ?? '', incoming.url ?? '')
    arrived.push(asked)
    try {
      const fault = await proxy.onRequest(asked)
      const strikes =
        asked.verb === 'watch'
          ? await passOnWatch(api, incoming, outgoing, fault)
          : await passOnCall(api, incoming, outgoing, fault, (status) => proxy.onAnswer(asked, status))
      if (fault && strikes) struck.add(fault)
    } catch {
      outgoing.destroy() // the API server is away: so it is for the client
    }
  })
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undo.defer(async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  })
  const kubeconfig = join(folder, 'kubeconfig')
  const { port } = server.address() as AddressInfo
  await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(`https://127.0.0.1:${port}`, certificate)))

  const owned = undo.move()
  const proxy: FaultProxy = {
    kubeconfig,
    arrived,
    struck,
    onRequest: () => undefined,
    onAnswer: () => {},
    cut: () => server.closeAllConnections(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
  return proxy
}

/** Returns whether the fault has happened. */
async function passOnCall(
  api: Upstream,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: Fault | undefined,
  answered: (status: number) => void | Promise<void>
): Promise<boolean> {
  const body = await buffer(incoming)
  if (fault?.kind === 'refuse') return refuse(outgoing, fault.status, fault.retryAfterSeconds)
  if (fault?.kind === 'lose-request') return cut(outgoing)
  const answer = await ask(api, incoming, incoming.url ?? '', body)
  const content = await buffer(answer)
  const status = answer.statusCode ?? 0
  await answered(status)
  if (fault?.kind === 'lose-answer') return cut(outgoing)
  if (fault?.kind === 'belie') return refuse(outgoing, fault.status)
  if (fault?.kind === 'delay') await sleep(fault.ms)
  outgoing.writeHead(status, withoutHop(answer))
  outgoing.end(content)
  return true
}

/** Resolves when the watch has ended, with whether that was the fault's doing. */
async function passOnWatch(
  api: Upstream,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: Fault | undefined
): Promise<boolean> {
  if (fault?.kind === 'refuse') return refuse(outgoing, fault.status, fault.retryAfterSeconds)
  if (fault?.kind === 'cut-before-head') return cut(outgoing)
  const given = incoming.url ?? ''
  const address = fault?.kind === 'cut-after-bookmark' ? withShortLife(given) : given
  const ended = new AbortController()
  outgoing.once('close', () => ended.abort())
  const answer = await ask(api, incoming, address, undefined, ended.signal)
  outgoing.writeHead(answer.statusCode ?? 0, withoutHop(answer))
  outgoing.flushHeaders()
  return passWatch(answer, outgoing, fault)
}

function cut(outgoing: ServerResponse): true {
  outgoing.destroy()
  return true
}

async function ask(
  { server, agent }: Upstream,
  incoming: IncomingMessage,
  address: string,
  body: Buffer | undefined,
  signal?: AbortSignal
): Promise<IncomingMessage> {
  const { host: _, connection: __, authorization: ___, 'content-length': ____, ...headers } = incoming.headers
  const sent = request(`${server}${address}`, {
    method: incoming.method ?? 'GET',
    headers: body?.length ? { ...headers, 'content-length': body.length } : headers,
    agent,
    ...(signal && { signal }),
  })
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return answer
}

/** As the API server itself says no. */
function refuse(outgoing: ServerResponse, status: number, retryAfterSeconds?: number): true {
  const reasons: Readonly<Record<number, string>> = {
    409: 'Conflict',
    429: 'TooManyRequests',
    500: 'InternalError',
    503: 'ServiceUnavailable',
    504: 'Timeout',
  }
  outgoing.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  })
  outgoing.end(
    JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      message: 'a fault of the test',
      reason: reasons[status] ?? 'Unknown',
      code: status,
    })
  )
  return true
}

const withoutHop = ({ headers }: IncomingMessage) => {
  const { connection: _, 'transfer-encoding': __, 'keep-alive': ___, ...rest } = headers
  return rest
}

async function readUpstream(kubeconfig: string): Promise<Upstream> {
  const { clusters, users } = JSON.parse(await readFile(kubeconfig, 'utf8'))
  const { server, 'certificate-authority-data': ca } = clusters[0].cluster
  const { 'client-certificate-data': cert, 'client-key-data': key } = users[0].user
  const pem = (data: string) => Buffer.from(data, 'base64')
  return { server, agent: new Agent({ keepAlive: true, ca: pem(ca), cert: pem(cert), key: pem(key) }) }
}

const kubeconfigOf = (server: string, authority: string) => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [
    { name: 'faults', cluster: { server, 'certificate-authority-data': Buffer.from(authority).toString('base64') } },
  ],
  users: [{ name: 'faults', user: {} }],
  contexts: [{ name: 'faults', context: { cluster: 'faults', user: 'faults' } }],
  'current-context': 'faults',
})
