import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ApiClient,
  Controller,
  configMaps,
  done,
  type InformerMetrics,
  isAlreadyExists,
  keyOf,
  mergePatch,
  parseKey,
  systemClock,
  toSelf,
} from '../src/controller/index.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { openCuttableProxy } from './support/cuttable-proxy.ts'
import { configMap, informed, inParallel, stored } from './support/informed.ts'

const noMetrics: InformerMetrics = {
  changed: () => {},
  restarted: () => {},
  handlerFailed: () => {},
  observe: () => {},
}

describe.skipIf(skipped())('an informer of a real API server', () => {
  let plane: ControlPlane
  let client: ApiClient
  const undo = new AsyncDisposableStack()

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    client = undo.use(await plane.client()).client
  })
  afterAll(() => undo.disposeAsync())

  /** Changes objects without pause until told to stop; that some of it fails on the way is no matter. */
  function churn(prefix: string) {
    let stopping = false
    let attempts = 0
    const waiters = new Set<() => void>()
    const names = Array.from({ length: 12 }, (_, n) => `${prefix}-${n}`)
    const lane = async (own: readonly string[]) => {
      for (let n = 0; !stopping; n++) {
        const name = own[n % own.length] as string
        const at = { namespace: 'default', name }
        const call = { timeoutMs: 2_000 }
        const actions = [
          () => client.create(configMaps, configMap(name), call),
          () => client.patch(configMaps, at, mergePatch({ data: { value: String(n) } }), call),
          () => client.delete(configMaps, at, call),
        ]
        await actions[Math.floor(n / own.length) % 3]?.().catch(() => {})
        attempts += 1
        for (const waiter of [...waiters]) waiter()
      }
    }
    const running = Promise.all([lane(names.slice(0, 6)), lane(names.slice(6))])
    return {
      /** Resolves when so many more changes have been tried. */
      async tried(count: number): Promise<void> {
        const until = attempts + count
        while (attempts < until) {
          const { promise, resolve } = Promise.withResolvers<void>()
          waiters.add(resolve)
          await promise
          waiters.delete(resolve)
        }
      },
      /** Returns the name of a last change that has succeeded. */
      async stop(): Promise<string> {
        stopping = true
        await running
        const name = `${prefix}-last`
        for (;;) {
          // Maybe carried out without an answer.
          const made = client.create(configMaps, configMap(name))
          if (await made.then(() => true, isAlreadyExists)) return name
        }
      },
    }
  }

  it('sees 10,000 objects, page by page, and their end', { timeout: 300_000 }, async () => {
    const names = Array.from({ length: 10_000 }, (_, n) => `many-${n}`)
    await inParallel(names, 32, (name) => client.create(configMaps, configMap(name)))
    const { informer, told, until } = informed(client)
    await using _stopped = informer
    await informer.synced
    expect(informer.store.size).toBeGreaterThanOrEqual(10_000)
    expect(new Set(told.filter((change) => change.startsWith('added many-'))).size).toBe(10_000)
    await inParallel(names, 32, (name) => client.delete(configMaps, { namespace: 'default', name }))
    const left = () => informer.store.list().filter(({ metadata }) => metadata.name.startsWith('many-')).length
    await until(() => left() === 0)
    expect(told.filter((change) => change.startsWith('deleted many-')).length).toBe(10_000)
  })

  it('reads its own writes before the watch brings them', async () => {
    const { informer } = informed(client)
    await using _stopped = informer
    await informer.synced
    for (let n = 0; n < 50; n++) {
      const made = await client.create(configMaps, configMap(`own-${n}`))
      informer.store.wrote(made)
      expect(informer.store.get(keyOf(made.metadata))?.metadata.uid).toBe(made.metadata.uid)
      const changed = await client.patch(configMaps, made.metadata, mergePatch({ data: { value: 'new' } }))
      informer.store.wrote(changed)
      expect(informer.store.get(keyOf(made.metadata))?.data).toEqual({ value: 'new' })
      await client.delete(configMaps, made.metadata)
      informer.store.deleted(changed)
      expect(informer.store.get(keyOf(made.metadata))).toBeUndefined()
    }
  })

  it('is right again when its watch was cut, again and again, while everything changed', async () => {
    await using proxy = await openCuttableProxy(plane.port)
    await using opened = await plane.client({ port: proxy.port })
    const { informer, until, known } = informed(opened.client)
    await using _stopped = informer
    await informer.synced
    const changes = churn('cut')
    for (let n = 0; n < 40; n++) {
      await changes.tried(1 + (n % 7))
      proxy.cut()
    }
    const last = await changes.stop()
    await until(() => known().has(last))
    expect(known()).toEqual(await stored(client))
  })

  it('goes on when its connection went silent without an end', async () => {
    await using proxy = await openCuttableProxy(plane.port)
    await using opened = await plane.client({ port: proxy.port })
    const { informer, until, known } = informed(opened.client, {
      silenceMs: 1_000,
      metrics: {
        ...noMetrics,
        // The informer has noticed.
        restarted: () => {
          proxy.swallowing = false
        },
      },
    })
    await using _stopped = informer
    await informer.synced
    proxy.swallowing = true
    await client.create(configMaps, configMap('during-silence'))
    await until(() => known().has('during-silence'))
    expect(known()).toEqual(await stored(client))
  })

  it('lives through an API server that is killed', async () => {
    const { informer, until, known } = informed(client)
    await using _stopped = informer
    await informer.synced
    const changes = churn('api')
    for (let n = 0; n < 2; n++) {
      await changes.tried(60)
      await plane.apiServer.kill()
      await plane.apiServer.start()
      await plane.ready()
    }
    const last = await changes.stop()
    await until(() => known().has(last))
    expect(known()).toEqual(await stored(client))
  })

  it('lives through an etcd that is killed', async () => {
    const { informer, until, known } = informed(client)
    await using _stopped = informer
    await informer.synced
    const changes = churn('etcd')
    for (let n = 0; n < 2; n++) {
      await changes.tried(60)
      await plane.etcd.kill()
      await changes.tried(4)
      await plane.etcd.start()
      await plane.ready()
    }
    const last = await changes.stop()
    await until(() => known().has(last))
    expect(known()).toEqual(await stored(client))
  })

  it('hears of deletes it missed when its version is gone', async () => {
    await using proxy = await openCuttableProxy(plane.port)
    await using opened = await plane.client({ port: proxy.port })
    for (const name of ['stays', 'goes']) await client.create(configMaps, configMap(name))
    const restarts: string[] = []
    const { informer, told, until, known } = informed(opened.client, {
      metrics: { ...noMetrics, restarted: (what, reason) => void restarts.push(`${what} ${reason}`) },
    })
    await using _stopped = informer
    await informer.synced
    proxy.refusing = true
    proxy.cut()
    await client.delete(configMaps, { namespace: 'default', name: 'goes' })
    // A restarted API server knows no history: it can serve no watch from before its own beginning.
    await client.create(configMaps, configMap('meanwhile'))
    await plane.apiServer.kill()
    await plane.apiServer.start()
    await plane.ready()
    proxy.refusing = false
    await until(() => known().has('meanwhile'))
    await until(() => !known().has('goes'))
    expect(restarts).toContain('list gone')
    expect(told).toContain('deleted goes unseen')
    expect(known()).toEqual(await stored(client))
  })

  it('feeds a controller that makes exactly one child each, through the death of the API server', async () => {
    const { informer, until } = informed(client)
    await using _stopped = informer
    const wanted = Array.from({ length: 60 }, (_, n) => `parent-${n}`)
    const controller = new Controller({
      name: 'test',
      clock: systemClock,
      workers: 8,
      backoff: { baseMs: 20, maxMs: 500 },
      retryRate: { perSecond: -1, burst: 1 },
      reconcile: async (key, signal) => {
        const { name } = parseKey(key)
        if (!name.startsWith('parent-')) return done
        if (informer.store.list().some(({ data }) => data?.value === name)) return done
        const made = await client.create(
          configMaps,
          { metadata: { namespace: 'default', generateName: 'child-' }, data: { value: name } },
          { signal }
        )
        informer.store.wrote(made)
        return done
      },
    }).watch(informer, toSelf())
    const stop = new AbortController()
    const running = controller.run(stop.signal)
    await inParallel(wanted.slice(0, 30), 8, (name) => client.create(configMaps, configMap(name)))
    // Each parent is touched again, so that each is looked at when its child may not have come back yet.
    await inParallel(wanted.slice(0, 30), 8, (name) =>
      client.patch(configMaps, { namespace: 'default', name }, mergePatch({ data: { touched: 'yes' } }))
    )
    const children = () => informer.store.list().filter(({ metadata }) => metadata.name.startsWith('child-'))
    await until(() => children().length >= 30)
    await plane.apiServer.kill()
    await plane.apiServer.start()
    await plane.ready()
    await inParallel(wanted.slice(30), 8, (name) => client.create(configMaps, configMap(name)))
    await until(() => new Set(children().map(({ data }) => data?.value)).size === wanted.length)
    stop.abort()
    await running
    const { items } = await client.list(configMaps, { namespace: 'default' })
    const made = items.filter(({ metadata }) => metadata.name.startsWith('child-')).map(({ data }) => data?.value)
    expect(made.toSorted()).toEqual(wanted.toSorted())
  })
})
