import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Stored } from '../client/kubernetes-object.ts'
import { byLabel, byOwnerUid, Store, withoutManagedFields } from './store.ts'

interface Thing extends Stored {
  readonly value?: number
}

const thing = (
  name: string,
  version: number | string,
  rest: { uid?: string; value?: number; labels?: Record<string, string> } = {}
): Thing => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: {
    namespace: 'ns',
    name,
    uid: rest.uid ?? `uid-${name}`,
    resourceVersion: String(version),
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...(rest.labels && { labels: rest.labels }),
  },
  ...(rest.value !== undefined && { value: rest.value }),
})

/** A store that has listed nothing, at version 10. */
function open() {
  const store = new Store<Thing, 'color'>({ indexes: { color: byLabel('color') } })
  store.progress('10')
  return store
}
const versionOf = (store: Store<Thing, 'color'>, name: string) => store.get(`ns/${name}`)?.metadata.resourceVersion

describe('reading', () => {
  it('finds by key, namespace and index, and follows changes', () => {
    const store = open()
    store.observe(thing('a', 11, { labels: { color: 'red' } }))
    store.observe(thing('b', 12, { labels: { color: 'red' } }))
    store.observe(thing('c', 13))
    expect(store.by('color', 'red').map((object) => object.metadata.name)).toEqual(['a', 'b'])
    store.observe(thing('a', 14, { labels: { color: 'blue' } }))
    store.vanish('ns/b', '15')
    expect(store.by('color', 'red')).toEqual([])
    expect(store.by('color', 'blue').map((object) => object.metadata.name)).toEqual(['a'])
    expect([store.size, store.list('ns').length, store.list('other').length]).toEqual([2, 2, 0])
  })

  it('gives out what nobody can change', () => {
    const store = open()
    const { object } = store.observe(thing('a', 11, { labels: { color: 'red' } }))
    expect(() => Object.assign(object.metadata.labels ?? {}, { color: 'blue' })).toThrow(TypeError)
  })

  it('keeps an object whose index function fails, and reports it', () => {
    const failed: string[] = []
    const store = new Store<Thing, 'bad'>({
      indexes: { bad: (object) => [String((object.value as number).toFixed(0))] },
      onIndexError: (index, key) => failed.push(`${index} ${key}`),
    })
    store.observe(thing('a', 1))
    store.observe(thing('b', 2, { value: 3 }))
    expect(store.size).toBe(2)
    expect(failed).toEqual(['bad ns/a'])
    expect(store.by('bad', '3').length).toBe(1)
  })

  it('drops what the transform drops, of own writes too', () => {
    const store = new Store<Thing>({ transform: withoutManagedFields })
    store.progress('1')
    const heavy = (version: number): Thing => {
      const light = thing('a', version)
      return { ...light, metadata: { ...light.metadata, managedFields: [{}] } }
    }
    store.observe(heavy(2))
    expect(store.get('ns/a')?.metadata.managedFields).toBeUndefined()
    store.wrote(heavy(3))
    expect(store.get('ns/a')?.metadata).toMatchObject({ resourceVersion: '3' })
    expect(store.get('ns/a')?.metadata.managedFields).toBeUndefined()
  })

  it('indexes by every owner', () => {
    const owned = thing('a', 1)
    const reference = { apiVersion: 'v1', kind: 'Thing', name: 'o' }
    const ownerReferences = [
      { ...reference, uid: 'u1' },
      { ...reference, uid: 'u2' },
    ]
    expect(byOwnerUid({ ...owned, metadata: { ...owned.metadata, ownerReferences } })).toEqual(['u1', 'u2'])
  })
})

describe('own writes', () => {
  it('are read at once, and give way to what is newer', () => {
    const store = open()
    store.observe(thing('a', 11))
    store.wrote(thing('a', 20, { labels: { color: 'red' } }))
    expect(versionOf(store, 'a')).toBe('20')
    expect(store.by('color', 'red').length).toBe(1)
    expect(store.observe(thing('a', 15)).old?.metadata.resourceVersion).toBe('11') // before ours
    expect(versionOf(store, 'a')).toBe('20')
    store.observe(thing('a', 20))
    store.observe(thing('a', 25))
    expect(versionOf(store, 'a')).toBe('25')
    expect(store.by('color', 'red')).toEqual([])
  })

  it('do not bring back what the watch has shown to be gone', () => {
    const store = open()
    store.observe(thing('a', 20))
    store.vanish('ns/a', '21')
    store.progress('21')
    store.wrote(thing('a', 20)) // the answer to our create comes last
    expect(store.size).toBe(0)
  })

  it('end when the watch has come as far, even without an event of theirs', () => {
    const store = open()
    store.wrote(thing('gone-while-relisting', 20))
    expect(store.size).toBe(1)
    store.progress('19')
    expect(store.size).toBe(1)
    store.progress('20')
    expect(store.size).toBe(0)
  })

  it('hide a deleted object until the watch shows it, and not its successor', () => {
    const store = open()
    const first = store.observe(thing('a', 11, { uid: 'first' })).object
    store.deleted(first)
    expect(store.size).toBe(0)
    store.observe(thing('a', 12, { uid: 'first' })) // late news of the first
    expect(store.size).toBe(0)
    store.progress('12')
    expect(store.size).toBe(0)
    store.observe(thing('a', 14, { uid: 'second' }))
    expect(store.get('ns/a')?.metadata.uid).toBe('second')
    store.deleted(first)
    expect(store.size).toBe(1)
  })

  it('hide what was created and deleted before the watch showed any of it', () => {
    const store = open()
    store.wrote(thing('a', 20))
    store.deleted(thing('a', 20))
    expect(store.size).toBe(0)
    store.observe(thing('a', 20))
    store.progress('20')
    expect(store.size).toBe(0)
    store.vanish('ns/a', '21')
    store.observe(thing('a', 22, { uid: 'second' }))
    expect(store.size).toBe(1)
    store.wrote(thing('b', 30))
    store.deleted(thing('b', 30))
    store.progress('40') // listed anew: neither beginning nor end is shown
    expect([...store.observed()].map((object) => object.metadata.name)).toEqual(['a'])
  })

  it('survive the end of the object they replaced', () => {
    const store = open()
    store.observe(thing('a', 11, { uid: 'first' }))
    store.wrote(thing('a', 20, { uid: 'second' })) // deleted by somebody, created again by us
    expect(store.vanish('ns/a', '15')?.metadata.uid).toBe('first')
    expect(store.get('ns/a')?.metadata.uid).toBe('second')
  })

  it('are not remembered where versions cannot be compared, or nothing has been listed', () => {
    const opaque = new Store<Thing>()
    opaque.progress('opaque-7')
    opaque.wrote(thing('a', 'opaque-8'))
    expect(opaque.size).toBe(0)
    const unlisted = new Store<Thing>()
    unlisted.wrote(thing('a', 5))
    expect(unlisted.size).toBe(0)
  })

  it('are forgotten with the history they were part of', () => {
    const store = open()
    store.observe(thing('a', 11))
    store.wrote(thing('a', 99))
    store.wrote(thing('b', 100))
    store.forgetOwnWrites()
    expect([versionOf(store, 'a'), versionOf(store, 'b')]).toEqual(['11', undefined])
  })
})

/** A world that changes by our writes and by others', and a watch that tells of it later. */
const step = fc.oneof(
  fc.record({
    kind: fc.constantFrom('write' as const, 'delete' as const),
    own: fc.boolean(),
    name: fc.constantFrom('a', 'b', 'c'),
    color: fc.constantFrom('red', 'blue'),
  }),
  fc.record({ kind: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('answer' as const), count: fc.integer({ min: 1, max: 4 }) })
)

it('property: own writes are read once they are answered, and in the end the store is the world', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const store = open()
      const world = new Map<string, Thing>()
      const watch: (() => void)[] = []
      const answers: (() => void)[] = []
      /** The version that must be readable at least, per name: of the newest own write that was answered. */
      const floor = new Map<string, number>()
      let version = 10
      for (const step of steps) {
        if (step.kind === 'deliver') for (const event of watch.splice(0, step.count)) event()
        else if (step.kind === 'answer') for (const answer of answers.splice(0, step.count)) answer()
        else if (step.kind === 'delete') {
          const before = world.get(step.name)
          if (!before) continue
          const at = ++version
          world.delete(step.name)
          if (step.own) answers.push(() => store.deleted(before))
          watch.push(() => {
            store.vanish(`ns/${step.name}`, String(at))
            store.progress(String(at))
            if ((floor.get(step.name) ?? 0) < at) floor.delete(step.name)
          })
        } else {
          const at = ++version
          const uid = world.get(step.name)?.metadata.uid ?? `uid-${at}`
          const next = thing(step.name, at, { uid, labels: { color: step.color } })
          world.set(step.name, next)
          if (step.own)
            answers.push(() => {
              store.wrote(next)
              if (world.get(step.name)?.metadata.uid === uid)
                floor.set(step.name, Math.max(at, floor.get(step.name) ?? 0))
            })
          watch.push(() => {
            store.observe(next)
            store.progress(String(at))
          })
        }
        for (const [name, least] of floor) {
          const seen = store.get(`ns/${name}`)
          // Hidden by a later delete of our own, or at least as new as our write.
          if (seen) expect(Number(seen.metadata.resourceVersion)).toBeGreaterThanOrEqual(least)
          else expect(world.get(name)?.metadata.resourceVersion).not.toBe(String(least))
        }
        for (const color of ['red', 'blue']) {
          const matching = store.list().filter((object) => object.metadata.labels?.color === color)
          expect(new Set(store.by('color', color))).toEqual(new Set(matching))
        }
      }
      for (const answer of answers) answer()
      for (const event of watch) event()
      expect(new Map(store.list().map((object) => [object.metadata.name, object]))).toEqual(world)
      expect(new Set(store.observed())).toEqual(new Set(store.list()))
    })
  )
})
