import { describe, expect, it } from 'vitest'
import { disorderOf } from './order.ts'

describe('disorderOf', () => {
  it.each([
    { order: [], inversions: 0, mostOvertaken: 0 },
    { order: [7], inversions: 0, mostOvertaken: 0 },
    { order: [1, 2, 3, 4], inversions: 0, mostOvertaken: 0 },
    { order: [4, 3, 2, 1], inversions: 1, mostOvertaken: 3 },
    { order: [2, 1, 4, 3], inversions: 2 / 6, mostOvertaken: 1 },
    // One that was left behind: three pairs of six, all of them its own.
    { order: [20, 30, 40, 10], inversions: 3 / 6, mostOvertaken: 3 },
  ])('$order', ({ order, ...expected }) => {
    expect(disorderOf(order)).toEqual(expected)
  })

  it('agrees with counting pair by pair', () => {
    // The powers of 5 modulo the prime 97: every number from 1 to 96 once, in no evident order.
    const order = Array.from({ length: 96 })
    for (let at = 0, value = 1; at < 96; at++, value = (value * 5) % 97) order[at] = value
    const places = order as number[]
    const overtaken = places.map((place, at) => places.slice(0, at).filter((other) => other > place).length)
    const pairs = overtaken.reduce((sum, one) => sum + one, 0)
    expect(disorderOf(places)).toEqual({
      inversions: pairs / ((96 * 95) / 2),
      mostOvertaken: Math.max(...overtaken),
    })
  })

  it('takes no two things for one', () => {
    expect(() => disorderOf([1, 1])).toThrow(RangeError)
  })
})
