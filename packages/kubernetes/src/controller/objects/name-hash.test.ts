import { expect, it } from 'vitest'
import { fnv1a32 } from './name-hash.ts'

it.each([
  ['', '811c9dc5'],
  ['a', 'e40c292c'],
  ['my-sandbox', '374de8f5'],
  ['test-pool', '59733166'],
])('hashes %j as %s', (name, hash) => expect(fnv1a32(name)).toBe(hash))

it('hashes the bytes of UTF-8, and keeps leading zeros', () => {
  expect(fnv1a32('é')).toBe(fnv1a32(String.fromCodePoint(0xe9)))
  expect(fnv1a32('é')).not.toBe(fnv1a32('e'))
  const hashes = Array.from({ length: 500 }, (_, n) => fnv1a32(`n${n}`))
  expect(hashes.every((hash) => /^[0-9a-f]{8}$/.test(hash))).toBe(true)
  expect(hashes.some((hash) => hash.startsWith('0'))).toBe(true)
})
