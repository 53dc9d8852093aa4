import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OpenedApiClient, openApiClient } from '../client/api-client.ts'
import { type ConfigMap, configMaps } from '../client/core-resources.ts'
import { systemClock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { ApiServerPeer, type OpenWatch, status } from '../testing/api-server-peer.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { type Change, Informer, type InformerOptions } from './informer.ts'

let peer: ApiServerPeer
let opened: OpenedApiClient
let clock: ManualClock

beforeEach(async () => {
  peer = await ApiServerPeer.start()
  opened = openApiClient({ access: peer.access, clock: systemClock })
  clock = new ManualClock()
})
afterEach(async () => {
  await opened[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

const put = (name: string, k = '1') =>
  peer.put('configmaps', { metadata: { namespace: 'default', name }, ...{ data: { k } } })
const remove = (name: string) => peer.remove('configmaps', name)

/** An informer, and what it told: `added a`, `updated a`, `deleted a`, `deleted a unseen`. */
function open(options: Partial<InformerOptions<ConfigMap, never>> = {}) {
  const told: string[] = []
  const waiters = new Set<() => void>()
  const informer = new Informer<ConfigMap>({
    client: opened.client,
    type: configMaps,
    clock,
    random: () => 0.5,
    ...options,
  })
  informer.onChange((change) => {
    told.push(describeChange(change))
    for (const waiter of [...waiters]) waiter()
  })
  /** Resolves when so many changes have been told. */
  const untilTold = async (count: number) => {
    while (told.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiters.add(resolve)
      await promise
      waiters.delete(resolve)
    }
    return told.slice(0, count)
  }
  return { informer, told, untilTold }
}

function describeChange(change: Change<ConfigMap>): string {
  const unseen = change.type === 'deleted' && change.unseen ? ' unseen' : ''
  return `${change.type} ${change.object.metadata.name}${unseen}`
}

/** Lets back-off pass: the informer's nearest timer, if it is no alarm for silence. */
async function passBackoff() {
  await clock.timerWithin(30_000)
  clock.advance((clock.nextAt as number) - clock.now())
}

const lists = () => peer.requests.filter((request) => request.method === 'GET' && !request.isWatch).length

it('lists in pages, then watches from there, and tells each change once it is in the store', async () => {
  for (const name of ['a', 'b', 'c']) put(name)
  const { informer, untilTold } = open({ pageSize: 2 })
  await using _stopped = informer
  informer.onChange(({ type, object }) => {
    const kept = informer.store.get(`default/${object.metadata.name}`)
    expect(kept).toBe(type === 'deleted' ? undefined : object)
  })
  informer.start()
  await informer.synced
  expect(await untilTold(3)).toEqual(['added a', 'added b', 'added c'])
  const watch = await peer.watch()
  expect(watch.query.get('allowWatchBookmarks')).toBe('true')
  expect(Number(watch.query.get('timeoutSeconds'))).toBe(450)
  put('d')
  put('a', '2')
  remove('b')
  expect((await untilTold(6)).slice(3)).toEqual(['added d', 'updated a', 'deleted b'])
  expect(informer.store.get('default/a')?.data).toEqual({ k: '2' })
  expect(informer.store.size).toBe(3)
  expect(lists()).toBe(2)
})

it('tells a late handler everything there is', async () => {
  put('a')
  const { informer } = open()
  await using _stopped = informer
  informer.start()
  await informer.synced
  const late: string[] = []
  informer.onChange((change) => late.push(describeChange(change)))
  expect(late).toEqual(['added a'])
})

it('reports a handler that throws, and goes on', async () => {
  const errors: object[] = []
  const log: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: (facts) => void errors.push(facts) }
  const { informer, untilTold } = open({ log })
  await using _stopped = informer
  informer.onChange(() => {
    throw new Error('broken handler')
  })
  const after: string[] = []
  informer.onChange((change) => after.push(describeChange(change)))
  put('a')
  informer.start()
  await informer.synced
  await peer.watch()
  put('b')
  await untilTold(2)
  expect(after).toEqual(['added a', 'added b'])
  expect(errors).toEqual([
    expect.objectContaining({ resource: 'configmaps', key: 'default/a', change: 'added' }),
    expect.objectContaining({ key: 'default/b' }),
  ])
})

describe('a watch that is cut', () => {
  it('goes on from the last version it has seen, event or bookmark, without a list', async () => {
    const { informer, told, untilTold } = open()
    await using _stopped = informer
    informer.start()
    const first = await peer.watch()
    put('a')
    await untilTold(1)
    first.cut()
    const second = await peer.watch(first)
    expect(second.query.get('resourceVersion')).toBe(peer.read('configmaps', 'a')?.metadata.resourceVersion)
    second.event('BOOKMARK', { metadata: { resourceVersion: '40' } })
    second.end()
    const third = await peer.watch(first, second)
    expect(third.query.get('resourceVersion')).toBe('40')
    expect([told, lists()]).toEqual([['added a'], 1])
  })

  it('in the middle of a line tells nothing of that line, and all of it after', async () => {
    const { informer, told, untilTold } = open()
    await using _stopped = informer
    informer.start()
    const first = await peer.watch()
    first.silent = true
    const a = put('a')
    const b = put('b')
    const lines = [a, b].map((object) => `${JSON.stringify({ type: 'ADDED', object })}\n`)
    first.write(`${lines[0]}${lines[1]?.slice(0, 40)}`)
    expect(await untilTold(1)).toEqual(['added a'])
    first.cut()
    await untilTold(2)
    expect(told).toEqual(['added a', 'added b'])
  })

  it('before its first event waits before the next, so that a server in trouble is not asked in a loop', async () => {
    const { informer } = open()
    await using _stopped = informer
    informer.start()
    const first = await peer.watch()
    first.cut()
    await passBackoff()
    await peer.watch(first)
    expect(clock.now()).toBe(250) // half of 500 ms, by the jitter of this test
  })

  it('while the server is away goes on when it is back, from where it was', async () => {
    const { informer, untilTold } = open()
    await using _stopped = informer
    informer.start()
    const first = await peer.watch()
    put('a')
    await untilTold(1)
    await peer.refuse()
    for (let n = 0; n < 4; n++) await passBackoff()
    put('missed')
    await clock.timerWithin(30_000) // the last try has failed, too
    await peer.listen()
    await passBackoff()
    await untilTold(2)
    await peer.watch(first)
    expect(lists()).toBe(1)
  })

  it.each(['status', 'event'] as const)(
    'and whose version is gone (%s) lists anew, and tells what was missed',
    async (gone) => {
      peer.gone = gone
      for (const name of ['kept', 'changed', 'removed', 'replaced']) put(name)
      const { informer, told, untilTold } = open({ pageSize: 2 })
      await using _stopped = informer
      informer.start()
      const first = await peer.watch()
      first.silent = true
      put('changed', '2')
      remove('removed')
      remove('replaced')
      put('replaced')
      put('new')
      const lastKnown = informer.store.get('default/removed')
      peer.compact()
      const deleted: Change<ConfigMap>[] = []
      informer.onChange((change) => change.type === 'deleted' && deleted.push(change))
      first.end()
      await passBackoff() // of the watch that brought nothing
      await passBackoff() // of the one that was refused
      await untilTold(9)
      expect(told.slice(4).sort()).toEqual([
        'added new',
        'added replaced',
        'deleted removed unseen',
        'deleted replaced unseen',
        'updated changed',
      ])
      expect(told.indexOf('deleted replaced unseen')).toBeLessThan(told.lastIndexOf('added replaced'))
      expect(deleted.find((change) => change.object.metadata.name === 'removed')?.object).toBe(lastKnown)
      expect(
        informer.store
          .list()
          .map((object) => object.metadata.name)
          .sort()
      ).toEqual(peer.names('configmaps').sort())
    }
  )

  it('by silence is made anew from where it was', async () => {
    const { informer, told, untilTold } = open({ silenceMs: 60_000 })
    await using _stopped = informer
    informer.start()
    const first = await peer.watch()
    put('a')
    await untilTold(1)
    clock.advance(59_999)
    put('b')
    await untilTold(2)
    first.silent = true
    clock.advance(59_999)
    expect([...peer.watches]).toEqual([first])
    clock.advance(60_000)
    const second = await peer.watch(first)
    expect([lists(), told.length]).toEqual([1, 2])
    expect(second.query.get('resourceVersion')).toBe(String(peer.version))
  })
})

describe('a list', () => {
  it('whose pages expire half-way begins again, and then in one piece', async () => {
    for (let n = 0; n < 5; n++) put(`o${n}`)
    let pages = 0
    peer.script = (request) => {
      if (request.isWatch || ++pages !== 2) return undefined
      put('late')
      peer.compact()
      return undefined
    }
    const { informer, told } = open({ pageSize: 2 })
    await using _stopped = informer
    informer.start()
    await informer.synced
    expect(told).toEqual(['added o0', 'added o1', 'added o2', 'added o3', 'added o4', 'added late'])
    expect(peer.requests.at(2)?.query.get('limit')).toBeNull()
  })

  it('that is refused, cut or nonsense is tried again for as long as it takes', async () => {
    put('a')
    const answers = [
      () => status(429, 'TooManyRequests', 'later', { 'retry-after': '1' }),
      () => 'cut' as const,
      () => status(403, 'Forbidden', 'not yet'),
      () => status(500, 'InternalError', 'etcdserver: leader changed'),
    ]
    peer.script = () => answers.shift()?.()
    const { informer, told } = open()
    await using _stopped = informer
    informer.start()
    for (let n = 0; n < 4; n++) await passBackoff()
    await informer.synced
    expect(told).toEqual(['added a'])
  })

  it('takes 10,000 objects in pages', async () => {
    for (let n = 0; n < 10_000; n++) put(`o${n}`)
    const { informer, told } = open()
    await using _stopped = informer
    informer.start()
    await informer.synced
    expect([informer.store.size, told.length, lists()]).toEqual([10_000, 10_000, 20])
  })
})

it('lists anew after nonsense in a watch, and after a line without end', async () => {
  const { informer } = open()
  await using _stopped = informer
  informer.start()
  let last = await peer.watch()
  const seen: OpenWatch[] = [last]
  for (const nonsense of [
    'no json\n',
    '{"type":"ADDED","object":{}}\n',
    '{"type":"NEW","object":{"metadata":{"name":"x","resourceVersion":"9"}}}\n',
  ]) {
    last.write(nonsense)
    await passBackoff()
    last = await peer.watch(...seen)
    seen.push(last)
  }
  expect(lists()).toBe(4)
  const flood = 'x'.repeat(2 ** 20)
  for (let n = 0; n < 17; n++) last.write(flood)
  await passBackoff()
  await peer.watch(...seen)
  expect(lists()).toBe(5)
})

it('lists anew when the server has gone back in time, and takes its word', async () => {
  const { informer, told, untilTold } = open()
  await using _stopped = informer
  informer.start()
  const first = await peer.watch()
  first.silent = true
  first.event('ADDED', { metadata: { namespace: 'default', name: 'lost', uid: 'u', resourceVersion: '900' } })
  await untilTold(1)
  informer.store.wrote({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'default', name: 'own', uid: 'o', resourceVersion: '901', creationTimestamp: '' },
  })
  expect(informer.store.size).toBe(2)
  put('restored')
  first.event('BOOKMARK', { metadata: { resourceVersion: '5' } })
  await passBackoff()
  await untilTold(3)
  expect(told).toEqual(['added lost', 'added restored', 'deleted lost unseen'])
  expect(informer.store.list().map((object) => object.metadata.name)).toEqual(['restored'])
})

it('ends with its signal, at any point, and says so to those who wait', async () => {
  const abort = new AbortController()
  peer.script = () => new Promise(() => {})
  const { informer } = open()
  informer.start(abort.signal)
  await peer.until(() => peer.requests.length === 1)
  abort.abort(new Error('over'))
  await expect(informer.synced).rejects.toThrow('over')
  await informer[Symbol.asyncDispose]()

  peer.script = undefined
  const second = open()
  second.informer.start()
  const watch = await peer.watch()
  await second.informer[Symbol.asyncDispose]()
  await peer.until(() => !peer.watches.has(watch))
})

it('shows own writes before the watch does, and tells of them when it does', async () => {
  const { informer, told, untilTold } = open()
  await using _stopped = informer
  informer.start()
  const watch = await peer.watch()
  watch.silent = true
  const made = await opened.client.create(configMaps, { metadata: { namespace: 'default', name: 'own' } })
  informer.store.wrote(made)
  expect(informer.store.get('default/own')?.metadata.uid).toBe(made.metadata.uid)
  expect(told).toEqual([])
  watch.event('ADDED', made)
  expect(await untilTold(1)).toEqual(['added own'])
})

/** What others do to the objects, and what goes wrong meanwhile. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('put' as const, 'remove' as const),
      name: fc.constantFrom('a', 'b', 'c', 'd'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('cut' as const, 'end' as const, 'half' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('compact' as const, 'refuse once' as const, 'bookmark' as const, 'turn' as const),
    }),
  }
)

it('property: whatever is cut, in the end the store is the world, and what was told adds up to it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom('status' as const, 'event' as const),
      async (steps, gone) => {
        await using world = await ApiServerPeer.start()
        await using connection = openApiClient({ access: world.access, clock: systemClock })
        world.gone = gone
        const told = new Map<string, string>()
        const informer = new Informer<ConfigMap>({
          client: connection.client,
          type: configMaps,
          clock: systemClock,
          backoff: { baseMs: 0, maxMs: 0 },
          pageSize: 2,
        })
        await using _stopped = informer
        informer.onChange(({ type, object, old }) => {
          const { name, uid } = object.metadata
          // Never an update of what was not added, an add of what is there, or a delete of what is not.
          expect(told.get(name)).toBe(type === 'added' ? undefined : uid)
          if (old) expect(old.metadata.uid).toBe(uid)
          if (type === 'deleted') told.delete(name)
          else told.set(name, uid)
        })
        informer.start()
        await informer.synced
        for (const step of steps) {
          const [watch] = world.watches
          if (step.kind === 'put') world.put('configmaps', { metadata: { namespace: 'default', name: step.name } })
          else if (step.kind === 'remove') {
            if (world.read('configmaps', step.name)) world.remove('configmaps', step.name)
          } else if (step.kind === 'cut') watch?.cut()
          else if (step.kind === 'end') watch?.end()
          else if (step.kind === 'compact') world.compact()
          else if (step.kind === 'bookmark')
            watch?.event('BOOKMARK', { metadata: { resourceVersion: String(world.version) } })
          else if (step.kind === 'half') {
            watch?.write('{"type":"ADDED","object":{"met')
            watch?.cut()
          } else if (step.kind === 'refuse once') {
            world.script = () => {
              world.script = undefined
              return 'cut'
            }
          }
          await turn()
        }
        // The last change goes to everybody; when it has been told, all before it have.
        const last = world.put('configmaps', { metadata: { namespace: 'default', name: 'last' } })
        while (told.get('last') !== last.metadata.uid) await turn()
        expect([...told.keys()].sort()).toEqual(world.names('configmaps').sort())
        const versions = (objects: readonly { metadata: { name: string; resourceVersion: string } }[]) =>
          new Map(objects.map(({ metadata }) => [metadata.name, metadata.resourceVersion]))
        expect(versions(informer.store.list())).toEqual(
          versions(world.names('configmaps').flatMap((name) => world.read('configmaps', name) ?? []))
        )
      }
    ),
    { numRuns: 60 }
  )
})
