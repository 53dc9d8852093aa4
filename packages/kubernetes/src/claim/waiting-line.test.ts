import { expect, it } from 'vitest'
import { aClaim } from './testing/objects.ts'
import { WaitingLine } from './waiting-line.ts'

const claims = ['a', 'b', 'c'].map((name) => aClaim({ name })) as [
  ReturnType<typeof aClaim>,
  ...ReturnType<typeof aClaim>[],
]

it('keeps the order of arrival, whoever joins first', () => {
  const line = new WaitingLine()
  for (const n of [2, 0, 1]) line.join('pool', claims[n] as (typeof claims)[0], n)
  expect(line.first('pool', 2)).toEqual(['default/a', 'default/b'])
  expect([0, 1, 2, 3].map((order) => line.ahead('pool', order))).toEqual([0, 1, 2, 3])
  expect(line.ahead('other', 3)).toBe(0)
})

it('has each claim once, in one line', () => {
  const line = new WaitingLine()
  line.join('pool', claims[0], 0)
  line.join('pool', claims[0], 0)
  expect(line.first('pool', 9)).toEqual(['default/a'])
  line.join('other', claims[0], 0)
  expect(line.first('pool', 9)).toEqual([])
  expect(line.first('other', 9)).toEqual(['default/a'])
  line.leave('default/a')
  line.leave('default/a')
  expect(line.first('other', 9)).toEqual([])
})
