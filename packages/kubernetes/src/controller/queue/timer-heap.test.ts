import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import { TimerHeap } from './timer-heap.ts'

it('property: fires each moment once, in order, none early and none that was cancelled', () => {
  const moment = fc.record({ at: fc.nat(1000), cancelled: fc.boolean() })
  fc.assert(
    fc.property(fc.array(moment, { maxLength: 200 }), fc.array(fc.nat(300), { maxLength: 20 }), (moments, steps) => {
      const clock = new ManualClock()
      using heap = new TimerHeap(clock)
      const fired: { at: number; now: number }[] = []
      for (const { at, cancelled } of moments) {
        const handle = heap.at(at, () => fired.push({ at, now: clock.now() }))
        if (cancelled) handle[Symbol.dispose]()
      }
      // At least a step of nothing: what is due at the beginning fires then.
      for (const step of [...steps, 0]) clock.advance(step)
      const due = moments.filter((entry) => !entry.cancelled && entry.at <= clock.now()).map((entry) => entry.at)
      expect(fired.map((entry) => entry.at)).toEqual(due.toSorted((a, b) => a - b))
      for (const { at, now } of fired) expect(now).toBe(at)
    })
  )
})

it('holds one timer, for the nearest moment', () => {
  const clock = new ManualClock()
  using heap = new TimerHeap(clock)
  const fired: string[] = []
  heap.at(50, () => fired.push('late'))
  expect(clock.nextAt).toBe(50)
  heap.at(10, () => {
    fired.push('early')
    heap.at(20, () => fired.push('made by the early one'))
  })
  expect(clock.nextAt).toBe(10)
  clock.advance(30)
  expect(fired).toEqual(['early', 'made by the early one'])
  expect(clock.nextAt).toBe(50)
})

it('fires nothing after its end', () => {
  const clock = new ManualClock()
  const heap = new TimerHeap(clock)
  heap.at(1, () => expect.unreachable())
  heap[Symbol.dispose]()
  heap.at(2, () => expect.unreachable())
  clock.advance(10)
})
