import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type ApiClient,
  ApiError,
  configMaps,
  isConflict,
  isTooManyRequests,
  kubeconfigAccess,
  openApiClient,
  systemClock,
  TransportError,
} from '../../../packages/kubernetes/src/controller/index.ts'
import { describeRequest, parseApiRequest } from './api-request.ts'
import { type Fault, type FaultProxy, openFaultProxy } from './fault-proxy.ts'
import { makeServingCertificate } from './serving-certificate.ts'

const configMap = { metadata: { namespace: 'ns', name: 'a', resourceVersion: '1' } }
const event = (type: string, resourceVersion: string) =>
  `${JSON.stringify({ type, object: { kind: 'ConfigMap', ...configMap, metadata: { ...configMap.metadata, resourceVersion } } })}\n`

/** Says yes to everything, and counts it. */
async function openServer(undo: AsyncDisposableStack) {
  const { certificate, key } = await makeServingCertificate()
  const carriedOut: string[] = []
  const serve = (response: ServerResponse, watch: boolean) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    if (!watch) response.end(JSON.stringify({ kind: 'ConfigMap', ...configMap }))
    else response.write(event('ADDED', '2') + event('BOOKMARK', '3') + event('MODIFIED', '4'))
  }
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const asked = parseApiRequest(request.method ?? '', request.url ?? '')
    request.resume().once('end', () => {
      carriedOut.push(describeRequest(asked))
      serve(response, asked.verb === 'watch')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  undo.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const cluster = {
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    'certificate-authority-data': base64(certificate),
  }
  const user = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) }
  return { carriedOut, kubeconfig: JSON.stringify({ clusters: [{ cluster }], users: [{ user }] }) }
}

describe('a request through the proxy', () => {
  let undo: AsyncDisposableStack
  let proxy: FaultProxy
  let client: ApiClient
  let carriedOut: string[]
  beforeEach(async () => {
    undo = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'bulkhead-proxy-test-'))
    undo.defer(() => rm(folder, { recursive: true, force: true }))
    const server = await openServer(undo)
    carriedOut = server.carriedOut
    await writeFile(join(folder, 'kubeconfig'), server.kubeconfig)
    proxy = undo.use(await openFaultProxy(join(folder, 'kubeconfig')))
    const access = await kubeconfigAccess({ clock: systemClock, file: proxy.kubeconfig })
    client = undo.use(openApiClient({ access, clock: systemClock })).client
  })
  afterEach(() => undo.disposeAsync())

  const inject = (fault: Fault) => {
    proxy.onRequest = () => fault
  }
  const create = () => client.create(configMaps, configMap, { retry: false }).catch((error: unknown) => error)
  const watched = async () => {
    const seen: string[] = []
    try {
      const signal = AbortSignal.timeout(30_000)
      for await (const { type } of await client.watch(configMaps, { namespace: 'ns', resourceVersion: '1', signal })) {
        seen.push(type)
        if (seen.length === 3) return [...seen, 'goes on']
      }
      return [...seen, 'ended']
    } catch (error) {
      return [...seen, error instanceof ApiError ? error.code : error instanceof TransportError ? 'cut' : error]
    }
  }

  it('is passed on, and told of before its answer', async () => {
    const told: string[] = []
    proxy.onAnswer = (request, status) => void told.push(`${describeRequest(request)}: ${status}`)
    expect(await create()).toMatchObject({ metadata: { name: 'a' } })
    expect(told).toEqual(['create configmaps ns/: 200'])
    expect(await watched()).toEqual(['ADDED', 'BOOKMARK', 'MODIFIED', 'goes on'])
  })

  it('is refused, and not carried out', async () => {
    inject({ kind: 'refuse', status: 429, retryAfterSeconds: 7 })
    const refused = await create()
    expect(isTooManyRequests(refused) && refused.retryAfterMs).toBe(7_000)
    inject({ kind: 'refuse', status: 409 })
    expect(isConflict(await create())).toBe(true)
    inject({ kind: 'lose-request' })
    expect(await create()).toBeInstanceOf(TransportError)
    expect(carriedOut).toEqual([])
  })

  it('is carried out, and its answer lost or another', async () => {
    inject({ kind: 'lose-answer' })
    expect(await create()).toBeInstanceOf(TransportError)
    inject({ kind: 'belie', status: 504 })
    expect(await create()).toMatchObject({ code: 504 })
    expect(carriedOut).toHaveLength(2)
  })

  it.each<[Fault, unknown[]]>([
    [{ kind: 'cut-before-head' }, ['cut']],
    [{ kind: 'cut-after-head' }, ['ended']],
    [{ kind: 'cut-mid-line', lines: 1 }, ['ADDED', 'ended']],
    [{ kind: 'cut-after-bookmark' }, ['ADDED', 'BOOKMARK', 'ended']],
    [{ kind: 'silence', ms: 50 }, ['ended']],
    [{ kind: 'expire', lines: 1 }, ['ADDED', 410]],
    [{ kind: 'refuse', status: 503 }, [503]],
  ])('for a watch: %o', async (fault, seen) => {
    inject(fault)
    expect(await watched()).toEqual(seen)
    await expect.poll(() => proxy.struck).toEqual(new Set([fault]))
  })
})
