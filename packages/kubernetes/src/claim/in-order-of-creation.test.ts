import { expect, it } from 'vitest'
import type { SandboxClaim } from '../api/index.ts'
import { type Change, type ChangeHandler, silentLogger } from '../controller/index.ts'
import { inOrderOfCreation } from './in-order-of-creation.ts'
import { aClaim } from './testing/objects.ts'

const added = (name: string, second: number, resourceVersion = '1'): Change<SandboxClaim> => ({
  type: 'added',
  object: aClaim({ name, resourceVersion, creationTimestamp: `2026-01-01T00:00:0${second}Z` }),
})

const first = [added('a', 2), added('b', 1, '10'), added('c', 0), added('d', 1, '9')]

function source(hasSynced: boolean) {
  const synced = Promise.withResolvers<void>()
  let handler: ChangeHandler<SandboxClaim> = () => {}
  return {
    hasSynced,
    synced: synced.promise,
    onChange(given: ChangeHandler<SandboxClaim>) {
      handler = given
      if (hasSynced) for (const change of first) given(change)
      return { [Symbol.dispose]: () => {} }
    },
    tell: (change: Change<SandboxClaim>) => handler(change),
    sync: () => synced.resolve(),
  }
}

it('tells what there is in order of creation, and then what comes as it comes', async () => {
  const told: string[] = []
  const from = source(true)
  const ordered = inOrderOfCreation<SandboxClaim>(from, silentLogger)
  ordered.onChange(({ object }) => told.push(object.metadata.name))
  await ordered.synced
  expect(told).toEqual(['c', 'd', 'b', 'a'])
  from.tell(added('e', 0))
  expect(told.at(-1)).toBe('e')
})

it('holds back what a list that is not complete has', async () => {
  const told: string[] = []
  const from = source(false)
  const ordered = inOrderOfCreation<SandboxClaim>(from, silentLogger)
  ordered.onChange(({ object }) => told.push(object.metadata.name))
  for (const change of first) from.tell(change)
  expect(told).toEqual([])
  from.sync()
  await ordered.synced
  expect(told).toEqual(['c', 'd', 'b', 'a'])
})

it('reports what cannot be told of one, and tells the others', async () => {
  const told: string[] = []
  const reported: object[] = []
  const from = source(true)
  const ordered = inOrderOfCreation<SandboxClaim>(from, {
    ...silentLogger,
    error: (facts) => void reported.push(facts),
  })
  ordered.onChange(({ object: { metadata } }) => {
    if (metadata.name === 'd') throw new Error('of no shape')
    told.push(metadata.name)
  })
  await ordered.synced
  expect(told).toEqual(['c', 'b', 'a'])
  expect(reported).toEqual([expect.objectContaining({ key: expect.stringMatching(/\/d$/), change: 'added' })])
})
