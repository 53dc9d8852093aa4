import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import { type Lane, lanes } from './lanes.ts'
import { WorkQueue } from './work-queue.ts'

function open(options: Partial<ConstructorParameters<typeof WorkQueue>[0]> = {}) {
  const clock = new ManualClock()
  return { clock, queue: new WorkQueue({ clock, ...options }) }
}

it('gives a key out once, however often it was added', async () => {
  const { queue } = open()
  for (const key of ['a', 'b', 'a', 'a']) queue.add(key)
  expect([await queue.take(), await queue.take()]).toEqual(['a', 'b'])
  expect(queue.depth).toBe(0)
})

it('gives a key that was added while it is worked on to nobody else, and again afterwards', async () => {
  const { queue } = open()
  queue.add('a')
  await queue.take()
  queue.add('a')
  queue.add('a')
  expect(queue.depth).toBe(0)
  const next = queue.take()
  queue.done('a')
  expect(await next).toBe('a')
  queue.done('a')
  expect(queue.depth).toBe(0)
})

it('moves a waiting key up when it is added as more urgent, not down', async () => {
  const { queue } = open()
  queue.add('first')
  queue.add('moved', 'background')
  queue.add('moved', 'urgent')
  queue.add('moved', 'background')
  expect([await queue.take(), await queue.take()]).toEqual(['moved', 'first'])
})

it('remembers the most urgent lane of a key that is worked on', async () => {
  const { queue } = open()
  queue.add('a')
  await queue.take()
  queue.add('b')
  queue.add('a', 'background')
  queue.add('a', 'urgent')
  queue.done('a')
  expect([await queue.take(), await queue.take()]).toEqual(['a', 'b'])
})

it('puts a key that is worked on back into its lane, when none is named', async () => {
  const { clock, queue } = open()
  queue.add('a', 'urgent')
  await queue.take()
  queue.retry('a')
  queue.done('a')
  queue.add('b')
  clock.advance(5)
  expect([await queue.take(), await queue.take()]).toEqual(['a', 'b'])
})

it('adds a delayed key at its earliest time, once', async () => {
  const { clock, queue } = open()
  queue.addAfter('a', 500)
  queue.addAfter('a', 100)
  queue.addAfter('a', 300, 'urgent')
  clock.advance(99)
  expect(queue.depth).toBe(0)
  clock.advance(1)
  expect(await queue.take()).toBe('a')
  queue.done('a')
  clock.advance(1000)
  expect(queue.depth).toBe(0)
})

it('backs off per key, and forgets', async () => {
  const { clock, queue } = open({ backoff: { baseMs: 10, maxMs: 35 } })
  const waits: number[] = []
  for (let n = 0; n < 4; n++) {
    queue.retry('a')
    const began = clock.now()
    clock.advance((clock.nextAt ?? 0) - clock.now())
    waits.push(clock.now() - began)
    queue.done((await queue.take()) as string)
  }
  expect(waits).toEqual([10, 20, 35, 35])
  expect(queue.failures('a')).toBe(4)
  queue.forget('a')
  queue.retry('a')
  expect(clock.nextAt).toBe(clock.now() + 10)
})

it('spreads the retries of all keys over time', () => {
  const { clock, queue } = open({ backoff: { baseMs: 1, maxMs: 1 }, retryRate: { perSecond: 10, burst: 2 } })
  for (const key of ['a', 'b', 'c', 'd']) queue.retry(key)
  clock.advance(1)
  expect(queue.depth).toBe(2)
  clock.advance(99)
  expect(queue.depth).toBe(3)
  clock.advance(100)
  expect(queue.depth).toBe(4)
})

it('hands keys to idle workers in the order they became idle, and to none that has left', async () => {
  const { queue } = open()
  const abort = new AbortController()
  const gone = queue.take(abort.signal)
  const first = queue.take()
  const second = queue.take()
  abort.abort()
  queue.add('a')
  queue.add('b')
  expect([await gone, await first, await second]).toEqual([undefined, 'a', 'b'])
})

it('stops when the work under way has ended: gives out nothing and takes nothing in', async () => {
  const { clock, queue } = open()
  queue.add('running')
  await queue.take()
  queue.add('waiting')
  queue.add('running')
  queue.addAfter('delayed', 10)
  let stopped = false
  const stopping = queue.stop().then(() => {
    stopped = true
  })
  expect(await queue.take()).toBeUndefined()
  queue.add('late')
  clock.advance(100)
  expect(stopped).toBe(false)
  queue.done('running')
  await stopping
  expect(queue.depth).toBe(0)
  expect(clock.nextAt).toBeUndefined()
})

it('wakes idle workers up when it stops', async () => {
  const { queue } = open()
  const idle = [queue.take(), queue.take()]
  await queue.stop()
  expect(await Promise.all(idle)).toEqual([undefined, undefined])
})

/** What a queue promises, in the simplest form: sets. Order is left to the tests above and to those of the lanes. */
type Step =
  | { readonly kind: 'done'; readonly key: string }
  | { readonly kind: 'add' | 'retry'; readonly key: string; readonly lane: Lane }
  | { readonly kind: 'addAfter'; readonly key: string; readonly lane: Lane; readonly ms: number }
  | { readonly kind: 'take' }
  | { readonly kind: 'advance'; readonly ms: number }

const key = fc.constantFrom('a', 'b', 'c', 'd')
const lane = fc.constantFrom<Lane>(...lanes)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('add' as const, 'retry' as const), key, lane }),
  fc.record({ kind: fc.constant('done' as const), key }),
  fc.record({ kind: fc.constant('addAfter' as const), key, lane, ms: fc.nat(50) }),
  fc.record({ kind: fc.constant('take' as const) }),
  fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(50) })
)

it('property: every added key is worked on after its last addition, by one worker at a time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
      const { clock, queue } = open({ backoff: { baseMs: 7, maxMs: 30 }, retryRate: { perSecond: -1, burst: 1 } })
      const running = new Set<string>()
      const owed = new Set<string>()
      const take = async () => {
        if (queue.depth === 0) return
        const taken = (await queue.take()) as string
        expect(running.has(taken)).toBe(false)
        running.add(taken)
        owed.delete(taken)
      }
      for (const step of steps) {
        if (step.kind === 'take') await take()
        else if (step.kind === 'advance') clock.advance(step.ms)
        else if (step.kind === 'done') {
          running.delete(step.key)
          queue.done(step.key)
        } else {
          owed.add(step.key)
          if (step.kind === 'addAfter') queue.addAfter(step.key, step.ms, step.lane)
          else queue[step.kind](step.key, step.lane)
        }
        expect(queue.depth).toBeLessThanOrEqual(4)
      }
      clock.advance(1000)
      for (const key of running) queue.done(key)
      running.clear()
      while (queue.depth > 0) await take()
      // A delayed key that was taken by an earlier addition still comes up at its time; nothing that is owed is left out.
      expect([...owed]).toEqual([])
      for (const key of running) queue.done(key)
      await queue.stop()
    })
  )
})
