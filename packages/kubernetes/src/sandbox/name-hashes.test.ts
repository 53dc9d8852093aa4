import { expect, it } from 'vitest'
import { NameHashes } from './name-hashes.ts'
import { storedSandbox } from './testing/stored-sandbox.ts'

/** All of these have the hash 17c9d282. */
const [first, second] = ['s-1vl8', 's-ipd6'] as const
const named = (name: string, namespace = 'ns') => storedSandbox({ metadata: { name, namespace } })
const added = (name: string, namespace?: string) => ({ type: 'added', object: named(name, namespace) }) as const

it('tells those that share a hash of each other, within a namespace', () => {
  const hashes = new NameHashes()
  expect(hashes.note(added(first))).toEqual([])
  expect(hashes.note(added('other'))).toEqual([])
  expect(hashes.note(added(second, 'elsewhere'))).toEqual([])
  expect(hashes.others(named(first))).toEqual([])
  expect(hashes.note(added(second))).toEqual([`ns/${first}`])
  expect(hashes.note({ type: 'updated', object: named(second), old: named(second) })).toEqual([])
  expect(hashes.others(named(first))).toEqual([`ns/${second}`])
  expect(hashes.others(named(second))).toEqual([`ns/${first}`])
  expect(hashes.note({ type: 'deleted', object: named(second), unseen: false })).toEqual([])
  expect(hashes.others(named(first))).toEqual([])
})
