import fc from 'fast-check'
import { expect, it } from 'vitest'
import { exponentialMs, fullJitterMs } from './backoff.ts'
import { TokenBucket } from './token-bucket.ts'

it('gives the burst at once, then the rate', () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 3 })
  expect([0, 0, 0, 0].map((now) => bucket.tryTake(now))).toEqual([0, 0, 0, 100])
  expect(bucket.tryTake(50)).toBeCloseTo(50)
  expect(bucket.tryTake(100)).toBe(0)
  expect(bucket.tryTake(10_000)).toBe(0)
  expect(bucket.reserve(10_000)).toBe(0)
  expect(bucket.reserve(10_000)).toBe(0)
  expect(bucket.reserve(10_000)).toBe(100)
  expect(bucket.reserve(10_000)).toBe(200)
})

it('knows no limit at a negative rate, and no token at a rate of nothing', () => {
  const free = new TokenBucket({ perSecond: -1, burst: 1 })
  expect([free.tryTake(0), free.tryTake(0), free.reserve(0)]).toEqual([0, 0, 0])
  const closed = new TokenBucket({ perSecond: 0, burst: 1 })
  expect([closed.tryTake(0), closed.tryTake(1e9)]).toEqual([0, Number.POSITIVE_INFINITY])
})

it('property: in no stretch of time more than the burst and the rate', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(200), { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (steps, burst) => {
      const bucket = new TokenBucket({ perSecond: 20, burst })
      let now = 0
      const taken: number[] = []
      for (const step of steps) {
        now += step
        if (bucket.tryTake(now) === 0) taken.push(now)
      }
      for (const [at, first] of taken.entries()) {
        const last = taken.at(-1) as number
        expect(taken.length - at).toBeLessThanOrEqual(burst + ((last - first) * 20) / 1000 + 1e-3)
      }
    })
  )
})

it('backs off twice as long each time, up to a limit, and jitters over all of it', () => {
  const options = { baseMs: 5, maxMs: 1000 }
  expect([1, 2, 3, 9, 5000].map((failures) => exponentialMs(options, failures))).toEqual([5, 10, 20, 1000, 1000])
  expect(fullJitterMs(options, 3, () => 0)).toBe(0)
  expect(fullJitterMs(options, 3, () => 0.5)).toBe(10)
})
