import { expect, it } from 'vitest'
import { summarize } from './stats.ts'

it('takes percentiles from what was measured, rounding up', () => {
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at)
  expect(summarize(hundred)).toEqual({ n: 100, p50: 51, p90: 91, p99: 100, min: 1, max: 100 })
  expect(summarize([5])).toEqual({ n: 1, p50: 5, p90: 5, p99: 5, min: 5, max: 5 })
  expect(() => summarize([])).toThrow(RangeError)
})
