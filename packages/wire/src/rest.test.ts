import { expect, it } from 'vitest'
import { CreateSandbox } from './rest.ts'

const accepts = (env: Record<string, string>) => CreateSandbox.safeParse({ env }).success
const many = (count: number, value: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`N${String(n).padStart(4, '0')}`, value]))

it('bounds an environment as a whole: its entries, and the bytes of names and values together', () => {
  expect([accepts(many(1024, 'x')), accepts(many(1025, 'x'))]).toEqual([true, false])
  const half = (1024 * 1024) / 16
  expect([accepts(many(16, 'x'.repeat(half - 5))), accepts(many(16, 'x'.repeat(half - 4)))]).toEqual([true, false])
  // Bytes, not characters.
  expect(accepts(many(16, '\u20ac'.repeat(half / 2)))).toBe(false)
})
