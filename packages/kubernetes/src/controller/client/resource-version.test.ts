import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareResourceVersions } from './resource-version.ts'

it('property: orders decimal numbers of any length', () => {
  const version = fc.bigInt({ min: 1n, max: 10n ** 40n })
  fc.assert(
    fc.property(version, version, (a, b) => {
      const order = compareResourceVersions(String(a), String(b)) as number
      expect(Math.sign(order)).toBe(a < b ? -1 : a > b ? 1 : 0)
    })
  )
})

it.each(['', '0', '01', '-1', '1.5', 'abc', '12a'])('does not guess about %j', (odd) => {
  expect(compareResourceVersions(odd, '7')).toBeUndefined()
  expect(compareResourceVersions('7', odd)).toBeUndefined()
})
