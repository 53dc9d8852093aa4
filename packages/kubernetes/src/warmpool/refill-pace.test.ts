import { describe, expect, it } from 'vitest'
import { RefillPace } from './refill-pace.ts'

describe('the delay', () => {
  it('is not for what is missing at first sight, nor for what was scaled up', () => {
    const pace = new RefillPace({ delayMs: 1_000, perSecond: 0 })
    expect(pace.take(3, 3, 0)).toEqual({ count: 3 })
    pace.filled(3)
    expect(pace.take(0, 3, 10)).toEqual({ count: 0 })
    expect(pace.take(2, 5, 20)).toEqual({ count: 2 })
  })

  it('counts for each place from when its member left', () => {
    const pace = new RefillPace({ delayMs: 1_000, perSecond: 0 })
    pace.take(0, 3, 0)
    expect(pace.take(1, 3, 100)).toEqual({ count: 0, againMs: 1_000 })
    expect(pace.take(2, 3, 700)).toEqual({ count: 0, againMs: 400 })
    expect(pace.take(2, 3, 1_100)).toEqual({ count: 1, againMs: 600 })
    pace.filled(1)
    expect(pace.take(1, 3, 1_700)).toEqual({ count: 1 })
  })

  it('does not let steady claims drain a pool', () => {
    const pace = new RefillPace({ delayMs: 1_000, perSecond: 0 })
    const wanted = 10
    pace.take(0, wanted, 0)
    let missing = 0
    const most: number[] = []
    // Five claims a second for a minute: the delay never passes without one.
    for (let now = 200; now <= 60_000; now += 200) {
      missing += 1
      const { count } = pace.take(missing, wanted, now)
      pace.filled(count)
      missing -= count
      most.push(missing)
    }
    expect(Math.max(...most)).toBe(5)
  })

  it('is not for members that the controller removed itself', () => {
    const pace = new RefillPace({ delayMs: 1_000, perSecond: 0 })
    pace.take(0, 3, 0)
    pace.removed(2)
    expect(pace.take(0, 3, 5)).toEqual({ count: 0 })
    expect(pace.take(3, 3, 10)).toEqual({ count: 2, againMs: 1_000 })
  })

  it('is forgotten for places that others have filled, or nobody wants any more', () => {
    const pace = new RefillPace({ delayMs: 1_000, perSecond: 0 })
    pace.take(0, 3, 0)
    pace.take(1, 3, 100)
    pace.take(2, 3, 200)
    expect(pace.take(1, 2, 300)).toEqual({ count: 0, againMs: 800 })
    // Wanted again: that is due at once, the other when it was.
    expect(pace.take(2, 3, 400)).toEqual({ count: 1, againMs: 700 })
  })

  it('does not begin anew when filling a place failed', () => {
    const pace = new RefillPace({ delayMs: 1_000, perSecond: 0 })
    pace.take(0, 1, 0)
    pace.take(1, 1, 0)
    expect(pace.take(1, 1, 1_000)).toEqual({ count: 1 })
    expect(pace.take(1, 1, 1_100)).toEqual({ count: 1 })
  })
})

it('keeps to the rate, after a burst of one second’s worth', () => {
  const pace = new RefillPace({ delayMs: 0, perSecond: 10 })
  expect(pace.take(100, 100, 0)).toEqual({ count: 10, againMs: 100 })
  pace.filled(10)
  expect(pace.take(90, 100, 250)).toEqual({ count: 2, againMs: 50 })
})
