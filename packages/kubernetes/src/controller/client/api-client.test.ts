import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../clock.ts'
import type { Fence } from '../fence.ts'
import { ApiServerPeer, status } from '../testing/api-server-peer.ts'
import { type ApiClient, type OpenedApiClient, openApiClient } from './api-client.ts'
import { ApiError, isAlreadyExists, isConflict, isGone, isNotFound, isTooManyRequests } from './api-error.ts'
import { configMaps, nodes, pods } from './core-resources.ts'
import { applyPatch, jsonPatch, mergePatch, pointer } from './patch.ts'
import { TransportError } from './transport-error.ts'

let peer: ApiServerPeer
let opened: OpenedApiClient
let client: ApiClient

beforeEach(async () => {
  peer = await ApiServerPeer.start()
  opened = openApiClient({ access: peer.access, clock: systemClock, random: () => 0 })
  client = opened.client
})
afterEach(async () => {
  await opened[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

const thing = (name: string, data = {}) => ({ metadata: { namespace: 'default', name }, data })

describe('the verbs', () => {
  it('creates, reads, replaces, patches and deletes', async () => {
    const created = await client.create(configMaps, thing('a', { k: '1' }))
    expect(created.metadata.uid).toBeTruthy()
    expect(peer.requests[0]?.body).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' })
    expect((await client.get(configMaps, { namespace: 'default', name: 'a' })).data).toEqual({ k: '1' })
    const replaced = await client.replace(configMaps, { ...created, data: { k: '2' } })
    const patched = await client.patch(configMaps, replaced.metadata, mergePatch({ data: { l: '3' } }))
    expect(patched.data).toEqual({ k: '2', l: '3' })
    await client.delete(configMaps, patched.metadata, { preconditions: { uid: patched.metadata.uid } })
    expect(peer.requests.at(-1)?.body).toMatchObject({ preconditions: { uid: patched.metadata.uid } })
    await expect(client.get(configMaps, patched.metadata)).rejects.toSatisfy(isNotFound)
  })

  it('tells apart what a 409 means', async () => {
    const first = await client.create(configMaps, thing('a'))
    await expect(client.create(configMaps, thing('a'))).rejects.toSatisfy(isAlreadyExists)
    await client.replace(configMaps, { ...first, data: { k: '2' } })
    await expect(client.replace(configMaps, first)).rejects.toSatisfy(isConflict)
  })

  it('sends each kind of patch as its own content type, and a subresource by its path', async () => {
    peer.script = () => ({ status: 200, body: { metadata: {} } })
    const name = { namespace: 'default', name: 'a' }
    await client.patch(pods, name, jsonPatch({ op: 'remove', path: pointer('metadata', 'labels', 'a.b/c~d') }))
    await client.patch(pods, name, applyPatch({ spec: {} }, { force: true }), { fieldManager: 'me' })
    await client.with({ fieldManager: 'us' }).patch(pods, name, mergePatch({ status: {} }), { subresource: 'status' })
    expect(
      peer.requests.map(({ path, headers, query, body }) => [path, headers['content-type'], String(query), body])
    ).toEqual([
      [
        '/api/v1/namespaces/default/pods/a',
        'application/json-patch+json',
        '',
        [{ op: 'remove', path: '/metadata/labels/a.b~1c~0d' }],
      ],
      [
        '/api/v1/namespaces/default/pods/a',
        'application/apply-patch+yaml',
        'fieldManager=me&force=true',
        { apiVersion: 'v1', kind: 'Pod', spec: {} },
      ],
      ['/api/v1/namespaces/default/pods/a/status', 'application/merge-patch+json', 'fieldManager=us', { status: {} }],
    ])
    expect(() => client.patch(pods, name, applyPatch({}))).toThrow('fieldManager')
  })

  it('refuses names that would address something else', () => {
    for (const name of ['', '.', '..', 'a/b', 'a%2Fb'])
      expect(() => client.get(pods, { namespace: 'default', name })).toThrow(TypeError)
    expect(() => client.get(pods, { name: 'a' })).toThrow('needs a namespace')
    expect(() => client.get(nodes, { namespace: 'default', name: 'a' })).toThrow('cluster scope')
    expect(peer.requests).toEqual([])
  })

  it('lists in pages that are one state of the world, with kind and apiVersion', async () => {
    for (let n = 0; n < 5; n++) peer.put('pods', { metadata: { namespace: 'default', name: `p${n}` } })
    const listed: string[][] = []
    for await (const page of client.pages(pods, { limit: 2 })) {
      listed.push(page.items.map((item) => item.metadata.name))
      if (listed.length === 1) peer.put('pods', { metadata: { namespace: 'default', name: 'late' } })
    }
    expect(listed).toEqual([['p0', 'p1'], ['p2', 'p3'], ['p4']])
  })

  it('says that a page is too old', async () => {
    for (let n = 0; n < 3; n++) peer.put('pods', { metadata: { namespace: 'default', name: `p${n}` } })
    const first = await client.list(pods, { limit: 1 })
    peer.put('pods', { metadata: { namespace: 'default', name: 'late' } })
    peer.compact()
    await expect(client.list(pods, { limit: 1, continue: first.continue })).rejects.toSatisfy(isGone)
  })
})

describe('what goes wrong', () => {
  it('tries again what the server refused to begin, even a create', async () => {
    let refused = 0
    peer.script = () => (refused++ < 2 ? status(429, 'TooManyRequests', 'later', { 'retry-after': '0' }) : undefined)
    await client.create(configMaps, thing('a'))
    expect(peer.requests.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST'])
  })

  it('gives up on a server that refuses for ever, or asks for too much patience', async () => {
    peer.script = () => status(429, 'TooManyRequests', 'later', { 'retry-after': '0' })
    await expect(client.list(pods)).rejects.toSatisfy(isTooManyRequests)
    expect(peer.requests.length).toBe(6)
    peer.script = () => status(429, 'TooManyRequests', 'much later', { 'retry-after': '3600' })
    await expect(client.list(pods)).rejects.toMatchObject({ retryAfterMs: 3_600_000 })
    expect(peer.requests.length).toBe(7)
  })

  it('does not repeat a write that may have been carried out', async () => {
    peer.script = (request) => (request.method === 'GET' && peer.requests.length > 2 ? undefined : 'cut')
    await expect(client.create(configMaps, thing('a'))).rejects.toMatchObject({ name: 'TransportError', unsent: false })
    expect(peer.requests.length).toBe(1)
    await client.list(configMaps) // cut once, then answered
    expect(peer.requests.length).toBe(3)
  })

  it('repeats a write that was never sent', async () => {
    await peer.refuse()
    let tries = 0
    const { client: again, ...rest } = openApiClient({
      access: {
        ...peer.access,
        headers: async () => {
          // Each try asks for credentials; the server is back for the third.
          if (++tries === 3) await peer.listen()
          return {}
        },
      },
      clock: systemClock,
      random: () => 0,
    })
    await using _closed = rest
    await again.create(configMaps, thing('a'))
    expect(tries).toBe(3)
    expect(peer.requests.length).toBe(1)
  })

  it('says that nothing was sent, when it gives up', async () => {
    await peer.refuse()
    const failed = await client.create(configMaps, thing('a')).catch((error) => error)
    expect(failed).toBeInstanceOf(TransportError)
    expect(failed).toMatchObject({ unsent: true, message: expect.stringContaining('ECONNREFUSED') })
  })

  it('asks for fresh credentials once when they are not accepted', async () => {
    let refreshed = 0
    const access = { ...peer.access, refresh: () => void refreshed++ }
    await using strict = openApiClient({ access, clock: systemClock })
    peer.script = () => (peer.requests.length === 1 ? status(401, 'Unauthorized', 'who?') : undefined)
    await strict.client.create(configMaps, thing('a'))
    peer.script = () => status(401, 'Unauthorized', 'who?')
    await expect(strict.client.list(pods)).rejects.toMatchObject({ code: 401 })
    expect([refreshed, peer.requests.length]).toEqual([2, 4])
  })

  it('takes an answer that is no Status for what it is', async () => {
    peer.script = (_, response) => {
      response.writeHead(503).end('<html>no back-end</html>')
      return 'taken'
    }
    const error = await client.list(pods).catch((e) => e)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ code: 503, message: expect.stringContaining('no back-end') })
  })

  it('takes a good answer that is no JSON for none, unless it was asked for as text', async () => {
    peer.script = (_, response) => {
      response.writeHead(200).end('ok')
      return 'taken'
    }
    await expect(client.create(configMaps, thing('a'))).rejects.toMatchObject({ name: 'TransportError', unsent: false })
    expect(await client.getText('/readyz')).toBe('ok')
  })

  it('ends a call with the reason of its signal, also in the middle of its answer', async () => {
    const abort = new AbortController()
    peer.script = (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{')
      return 'taken'
    }
    const call = client.create(configMaps, thing('a'), { signal: abort.signal })
    await peer.until(() => peer.requests.length === 1)
    await turn()
    abort.abort(new Error('over'))
    await expect(call).rejects.toThrow('over')
  })

  it('ends a call with the reason of its signal, and one without an answer after its time', async () => {
    peer.script = () => new Promise(() => {})
    const abort = new AbortController()
    const call = client.list(pods, { signal: abort.signal })
    await peer.until(() => peer.requests.length === 1)
    abort.abort(new Error('not wanted any more'))
    await expect(call).rejects.toThrow('not wanted any more')
    await expect(client.create(configMaps, thing('a'), { timeoutMs: 20 })).rejects.toMatchObject({
      name: 'TransportError',
      unsent: false,
    })
  })
})

describe('a fence', () => {
  /** Held until told otherwise; the signal comes later than the truth, as when timers are late. */
  function fence() {
    const lost = new AbortController()
    const state = { held: true, lose: () => lost.abort(new Error('lost')) }
    const value: Fence = {
      signal: lost.signal,
      assertHeld: () => {
        if (!state.held) throw new Error('not held')
      },
    }
    return { state, value }
  }

  it('stops writes at the last moment, before their first byte, and leaves reads alone', async () => {
    const { state, value } = fence()
    const bound = client.with({ fence: value })
    await bound.create(configMaps, thing('a'))
    state.held = false
    const name = { namespace: 'default', name: 'a' }
    await expect(bound.create(configMaps, thing('b'))).rejects.toThrow('not held')
    await expect(bound.patch(configMaps, name, mergePatch({}))).rejects.toThrow('not held')
    await expect(bound.delete(configMaps, name)).rejects.toThrow('not held')
    await bound.get(configMaps, name)
    expect(peer.requests.map(({ method }) => method)).toEqual(['POST', 'GET'])
    await client.create(configMaps, thing('c')) // the connection is still good, and this client is not bound
  })

  it('stops what waits for a connection when it was lost meanwhile', async () => {
    const { state, value } = fence()
    const access = {
      ...peer.access,
      // The connection is made after this.
      tls: async () => {
        state.held = false
        return {}
      },
    }
    await using late = openApiClient({ access, clock: systemClock })
    await expect(late.client.with({ fence: value }).create(configMaps, thing('a'))).rejects.toThrow('not held')
    expect(peer.requests).toEqual([])
  })

  it('stops what waits for its turn or for a retry, and cuts what is under way', async () => {
    const { state, value } = fence()
    await using narrow = openApiClient({ access: peer.access, clock: systemClock, inFlight: 1 })
    const bound = narrow.client.with({ fence: value })
    peer.script = () => new Promise(() => {})
    const underWay = bound.create(configMaps, thing('a'))
    const waiting = bound.create(configMaps, thing('b'))
    await peer.until(() => peer.requests.length === 1)
    state.lose()
    await expect(underWay).rejects.toThrow('lost')
    await expect(waiting).rejects.toThrow('lost')
    await turn()
    expect(peer.requests.length).toBe(1)
  })
})

it('lets the urgent pass when places are few', async () => {
  await using narrow = openApiClient({ access: peer.access, clock: systemClock, inFlight: 1 })
  const first = Promise.withResolvers<undefined>()
  peer.script = () => first.promise
  const order: string[] = []
  const ask = (name: string, lane: 'urgent' | 'normal' | 'background' | 'exempt') =>
    narrow.client.create(configMaps, thing(name), { lane }).then(() => order.push(name))
  const all = [ask('first', 'normal')]
  await peer.until(() => peer.requests.length === 1)
  all.push(ask('refill', 'background'), ask('other', 'normal'), ask('claim', 'urgent'))
  peer.script = undefined
  await ask('lease', 'exempt')
  first.resolve(undefined)
  await Promise.all(all)
  expect(order).toEqual(['lease', 'first', 'claim', 'other', 'refill'])
})

it('leaves every connection to the calls, however many watches are open', async () => {
  await using narrow = openApiClient({ access: peer.access, clock: systemClock, inFlight: 1 })
  const { signal } = new AbortController()
  const watches = await Promise.all(Array.from({ length: 10 }, () => narrow.client.watch(pods, { signal })))
  await narrow.client.create(configMaps, thing('a'))
  expect(peer.watches.size).toBe(10)
  await Promise.all(watches.map((watch) => watch[Symbol.asyncDispose]()))
  await peer.until(() => peer.watches.size === 0)
})
