import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Lane, LaneQueue, lanes } from './lanes.ts'

function shiftAll(queue: LaneQueue<string>): string[] {
  const taken: string[] = []
  for (let ticket = queue.shift(); ticket; ticket = queue.shift()) taken.push(ticket.item)
  return taken
}

it('gives out the more urgent first, and each lane in its order', () => {
  const queue = new LaneQueue<string>()
  queue.push('b1', 'background')
  queue.push('n1', 'normal')
  queue.push('u1', 'urgent')
  queue.push('n2', 'normal')
  queue.push('u2', 'urgent')
  expect(shiftAll(queue)).toEqual(['u1', 'u2', 'n1', 'n2', 'b1'])
})

it('starves no lane, however much comes into the others', () => {
  const queue = new LaneQueue<string>()
  queue.push('background', 'background')
  queue.push('normal', 'normal')
  const taken: string[] = []
  while (queue.sizeOf('background') + queue.sizeOf('normal') > 0) {
    queue.push('urgent', 'urgent')
    taken.push(queue.shift()?.item as string)
  }
  expect(taken).toEqual([...Array(8).fill('urgent'), 'background', 'normal'])
})

it('keeps no trace of places that were given up', () => {
  const queue = new LaneQueue<number>()
  for (let n = 0; n < 1000; n++) queue.remove(queue.push(n, 'background'))
  const last = queue.push(1000, 'background')
  expect(queue.size).toBe(1)
  expect(queue.shift()).toBe(last)
  queue.remove(last) // taken already
  expect(queue.size).toBe(0)
  expect(queue.shift()).toBeUndefined()
})

it('property: loses nothing, repeats nothing, keeps the order within each lane', () => {
  const push = fc.record({ kind: fc.constant('push' as const), lane: fc.constantFrom<Lane>(...lanes) })
  const other = fc.record({ kind: fc.constantFrom('shift' as const, 'remove' as const), at: fc.nat() })
  fc.assert(
    fc.property(fc.array(fc.oneof(push, other), { maxLength: 300 }), (steps) => {
      const queue = new LaneQueue<number>()
      const waiting: { item: number; lane: Lane; ticket: ReturnType<typeof queue.push> }[] = []
      let made = 0
      for (const step of steps) {
        if (step.kind === 'push') {
          const ticket = queue.push(made, step.lane)
          waiting.push({ item: made++, lane: step.lane, ticket })
        } else if (step.kind === 'remove') {
          const [given] = waiting.splice(step.at % (waiting.length || 1), 1)
          if (given) queue.remove(given.ticket)
        } else {
          const taken = queue.shift()
          const first = waiting.find((entry) => entry.lane === taken?.lane)
          expect(taken?.item).toBe(first?.item)
          if (first) waiting.splice(waiting.indexOf(first), 1)
        }
        expect(queue.size).toBe(waiting.length)
      }
    })
  )
})
