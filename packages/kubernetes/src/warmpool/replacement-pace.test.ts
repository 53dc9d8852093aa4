import { expect, it } from 'vitest'
import { ReplacementPace } from './replacement-pace.ts'
import { condition, memberOf, startMs } from './testing/warm-pool-objects.ts'

/** Created `at` seconds after the start; its Pod ended `afterMs` later. */
const ended = (at: number, afterMs = 1_000) =>
  memberOf(`of-${at}`, {
    ageMs: -at * 1_000,
    conditions: [condition('Finished', 'True', 'PodFailed', { atMs: startMs + at * 1_000 + afterMs })],
  })

it('replaces a generation at once, one after the other too', () => {
  const pace = new ReplacementPace()
  expect(pace.waitMs(ended(0), '', 0)).toBe(0)
  pace.replaced([ended(0)], [ended(5)], '', 0)
  expect(pace.waitMs(ended(5), '', 10)).toBe(0)
  pace.replaced([ended(5)], [], '', 10)
  // It was one mishap.
  expect(pace.waitMs(ended(6), '', 0)).toBe(10_000)
})

it('lets the next ones wait ever longer', () => {
  const pace = new ReplacementPace()
  const waits = [0, 1, 2, 3, 4, 5, 6].map((generation) => {
    pace.replaced([ended(generation)], [], '', 0)
    return pace.waitMs(ended(generation + 1), '', 0)
  })
  expect(waits).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000])
})

it('does not let those wait that lived long, nor any with a template that was changed', () => {
  const pace = new ReplacementPace()
  pace.replaced([ended(0)], [], 'a', 0)
  expect(pace.waitMs(ended(1), 'a', 0)).toBe(10_000)
  expect(pace.waitMs(ended(1), 'b', 0)).toBe(0)
  expect(pace.waitMs(ended(1, 600_000), 'a', 0)).toBe(0)
  pace.replaced([ended(1, 600_000)], [], 'a', 0)
  expect(pace.waitMs(ended(2), 'a', 0)).toBe(10_000)
})
