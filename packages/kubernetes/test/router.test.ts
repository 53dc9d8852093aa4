import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { label, nameHash, type Sandbox, sandboxes } from '../src/api/index.ts'
import {
  type ApiClient,
  controllerReference,
  mergePatch,
  namespaces,
  type OpenedApiClient,
  type Pod,
  pods,
  type Stored,
} from '../src/controller/index.ts'
import { refusals } from '../src/router/refusal.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { installLooseKinds } from './support/loose-kinds.ts'
import { type RouterProcess, startRouter } from './support/router-process.ts'

const namespace = 'default'

describe.skipIf(skipped())('the router beside a real API server', () => {
  let plane: ControlPlane
  let opened: OpenedApiClient
  let client: ApiClient
  let router: RouterProcess
  /** Two Pods' networks: each tells its name, and what it was asked. */
  let servers: Server[]
  let port: number

  beforeAll(async () => {
    plane = await openControlPlane()
    opened = await plane.client()
    client = opened.client
    await installLooseKinds(client)
    const first = await serve('first', 0, '127.0.0.1')
    port = (first.address() as AddressInfo).port
    servers = [first, await serve('second', port, '127.0.0.2')]
    router = await startRouter(plane.kubeconfig, { ALLOW_UNAUTHENTICATED_ROUTER: 'true' })
  })
  afterAll(async () => {
    await router?.[Symbol.asyncDispose]()
    for (const server of servers ?? []) server.close()
    await opened?.[Symbol.asyncDispose]()
    await plane?.[Symbol.asyncDispose]()
  })

  const serve = async (name: string, at: number, host: string) => {
    const server = createServer(({ method, url }, response) => {
      if (url === '/wait') response.write('begun')
      else response.end(`${name} ${method} ${url}`)
    })
    await once(server.listen(at, host), 'listening')
    return server
  }
  const makeSandbox = (name: string, labels: Record<string, string> = {}) =>
    client.create(sandboxes, {
      metadata: { namespace, name, labels },
      spec: { podTemplate: { spec: { containers: [{ name: 'main', image: 'none' }] } } },
    })
  /** As the operator makes it, and the kubelet reports it. */
  const makePod = async (sandbox: Stored<Sandbox>, ip: string, name = sandbox.metadata.name, within = namespace) => {
    const hash = nameHash(sandbox.metadata.name)
    await client.create(pods, {
      metadata: {
        namespace: within,
        name,
        labels: { [label.sandboxNameHash]: hash },
        ownerReferences: [controllerReference(sandboxes, sandbox)],
      },
      spec: { nodeName: 'none', containers: [{ name: 'main', image: 'none' }] },
    } as Pod)
    await setStatus(name, { phase: 'Running', podIP: ip, podIPs: [{ ip }] }, within)
  }
  const setStatus = (name: string, status: object, within = namespace) =>
    client.patch(pods, { namespace: within, name }, mergePatch({ status }), { subresource: 'status' })
  const remove = (name: string) => client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 })

  const call = async (sandbox: string, headers: Record<string, string> = {}, path = '/', at = router.port) => {
    const own = { 'X-Sandbox-ID': sandbox, 'X-Sandbox-Port': String(port), ...headers }
    const outgoing = request({ host: '127.0.0.1', port: at, path, headers: own, agent: false })
    outgoing.end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    const body = (await Array.fromAsync(answer.setEncoding('utf8'))).join('')
    return { status: answer.statusCode, body }
  }
  const refusedWith = ({ status, detail }: { status: number; detail: string }) => ({
    status,
    body: JSON.stringify({ detail }),
  })
  const eventually = (sandbox: string) => expect.poll(() => call(sandbox).then(({ body }) => body))

  it('finds a Sandbox’s Pod without DNS, as soon as there is one, and keeps the path as it is', async () => {
    const answer = call('box', {}, '/download/a%2Fb')
    await makePod(await makeSandbox('box'), '127.0.0.1')
    expect(await answer).toEqual({ status: 200, body: 'first GET /download/a%2Fb' })
  })

  it('uses no address that a client names but the Pod’s', async () => {
    expect(await call('box', { 'X-Sandbox-Pod-IP': '10.255.255.1' })).toMatchObject({ body: 'first GET /' })
    expect(await call('none', { 'X-Sandbox-Pod-IP': '10.255.255.1' })).toEqual(refusedWith(refusals.addressInvalid))
    expect(await call('box', { 'X-Sandbox-Pod-IP': '127.0.0.1' })).toEqual(refusedWith(refusals.addressInvalid))
  })

  it('looks in the namespace that is named', async () => {
    const elsewhere = await call('box', { 'X-Sandbox-Namespace': 'kube-system' })
    expect(elsewhere).toEqual(refusedWith(refusals.unreachable('box')))
  })

  it('is not led to a Pod of another namespace, whoever that says it belongs to', async () => {
    const sandbox = await client.get(sandboxes, { namespace, name: 'box' })
    await client.create(namespaces, { metadata: { name: 'theirs' } })
    await makePod(sandbox, '127.0.0.2', 'box', 'theirs')
    await setStatus('box', { conditions: [{ type: 'Ready', status: 'True' }] }, 'theirs')
    // What the router is told after it, it has been told as well.
    await makePod(await makeSandbox('second'), '127.0.0.2')
    await eventually('second').toBe('second GET /')
    expect(await call('box')).toMatchObject({ body: 'first GET /' })
  })

  it('cuts what is under way to a Pod that is taken from its Sandbox', async () => {
    await makePod(await makeSandbox('taken'), '127.0.0.2')
    await eventually('taken').toBe('second GET /')
    const headers = { 'X-Sandbox-ID': 'taken', 'X-Sandbox-Port': String(port) }
    const outgoing = request({ host: '127.0.0.1', port: router.port, path: '/wait', headers, agent: false })
    outgoing.end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    await once(answer, 'data')
    const labels = { [label.sandboxNameHash]: null }
    await client.patch(pods, { namespace, name: 'taken' }, mergePatch({ metadata: { labels, ownerReferences: null } }))
    await expect(Array.fromAsync(answer as AsyncIterable<Buffer>)).rejects.toThrow()
  })

  it('follows the Sandbox to its next Pod, also from one that has ended', async () => {
    const sandbox = await client.get(sandboxes, { namespace, name: 'box' })
    await setStatus('box', { phase: 'Failed' })
    await makePod(sandbox, '127.0.0.2', 'box-2')
    await eventually('box').toBe('second GET /')
    await remove('box-2')
    // The first one’s address is still in its status.
    await eventually('box').toBe(refusedWith(refusals.unreachable('box')).body)
  })

  it('takes no Pod for a Sandbox’s by name alone, and none of a Sandbox that had the name before', async () => {
    const before = await makeSandbox('again')
    await makePod(before, '127.0.0.1')
    await eventually('again').toBe('first GET /')
    await client.delete(sandboxes, { namespace, name: 'again' })
    await eventually('again').toBe(refusedWith(refusals.unreachable('again')).body)
    await makeSandbox('again')
    expect(await call('again')).toEqual(refusedWith(refusals.unreachable('again')))
  })

  it('lets nobody into a pool’s Sandbox until it is somebody’s', async () => {
    const pooled = await makeSandbox('pooled', { [label.warmPoolSandbox]: nameHash('pool') })
    await makePod(pooled, '127.0.0.1')
    expect(await call('pooled')).toEqual(refusedWith(refusals.unreachable('pooled')))
    const answer = call('pooled')
    const labels = { [label.warmPoolSandbox]: null }
    await client.patch(sandboxes, { namespace, name: 'pooled' }, mergePatch({ metadata: { labels } }))
    expect(await answer).toMatchObject({ status: 200, body: 'first GET /' })
  })

  it('goes on with what it knows while the API server is away', async () => {
    await plane.apiServer.kill()
    expect(await call('pooled')).toMatchObject({ status: 200 })
    await plane.apiServer.start()
    await plane.ready()
    await makePod(await makeSandbox('after'), '127.0.0.2')
    await eventually('after').toBe('second GET /')
  })

  it('serves one namespace alone, where it is told so', async () => {
    const env = { ALLOW_UNAUTHENTICATED_ROUTER: 'true', ROUTER_NAMESPACE: namespace }
    await using narrow = await startRouter(plane.kubeconfig, env)
    expect(await call('after', {}, '/', narrow.port)).toMatchObject({ status: 200 })
    const elsewhere = await call('after', { 'X-Sandbox-Namespace': 'other' }, '/', narrow.port)
    expect(elsewhere).toEqual(refusedWith(refusals.unreachable('after')))
  })

  it('does not start without a word on who may use it, and ends in order', async () => {
    await expect(startRouter(plane.kubeconfig, {})).rejects.toThrow(/ROUTER_AUTH_TOKEN/)
    await using another = await startRouter(plane.kubeconfig, { ROUTER_AUTH_TOKEN: 'secret' })
    expect(await another.stop()).toBe(0)
  })
})
