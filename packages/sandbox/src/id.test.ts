import { expect, it } from 'vitest'
import { isSandboxId, newSandboxId } from './id.ts'

it('makes ids of the documented shape that do not repeat', () => {
  const ids = Array.from({ length: 10_000 }, newSandboxId)
  expect(ids.every(isSandboxId)).toBe(true)
  expect(new Set(ids).size).toBe(ids.length)
})

it('uses the whole alphabet', () => {
  const seen = new Set(Array.from({ length: 2_000 }, () => newSandboxId().slice(3)).join(''))
  expect(seen.size).toBe(32)
})

it.each([
  '',
  'sb-',
  'sb-ABCDEFGHIJKLMNOPQRST',
  'sb-aaaaaaaaaaaaaaaaaaa1',
  'sb-aaaaaaaaaaaaaaaaaaaa\n',
  '../sb-aaaaaaaaaaaaaaaaaaaa',
  'tp-aaaaaaaaaaaaaaaaaaaa',
])('refuses %j', (name) => {
  expect(isSandboxId(name)).toBe(false)
})
