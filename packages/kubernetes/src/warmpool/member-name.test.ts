import { expect, it } from 'vitest'
import { memberName } from './member-name.ts'

it.each([
  ['pool', 'pool-bbbbb'],
  ['p'.repeat(57), `${'p'.repeat(57)}-bbbbb`],
  // As the API server does with a generateName: the end is cut off, the dash with it.
  ['p'.repeat(58), `${'p'.repeat(58)}bbbbb`],
  ['p'.repeat(253), `${'p'.repeat(58)}bbbbb`],
])('names a member of %s', (pool, name) => {
  expect(memberName(pool, () => 0)).toBe(name)
})

it('uses the API server’s alphabet', () => {
  expect(memberName('pool')).toMatch(/^pool-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  expect(memberName('pool', () => 0.999999)).toBe('pool-99999')
})
