import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { BootSlots } from './boot-slots.ts'

const never = new AbortController().signal

/** Asks for a slot and notes the name when it is given. */
function ask(slots: BootSlots, kind: 'foreground' | 'background', name: string, log: string[], signal = never) {
  return slots.acquire(kind, signal).then((slot) => {
    log.push(name)
    return slot
  })
}

it('gives as many slots as there are, in the order asked', async () => {
  const slots = new BootSlots({ parallel: 2, waiting: 10 })
  const log: string[] = []
  const [first] = await Promise.all([ask(slots, 'foreground', 'a', log), ask(slots, 'foreground', 'b', log)])
  const third = ask(slots, 'foreground', 'c', log)
  void ask(slots, 'foreground', 'd', log)
  await turn()
  expect(log).toEqual(['a', 'b'])
  first[Symbol.dispose]()
  first[Symbol.dispose]() // a second time gives no second slot
  await third
  await turn()
  expect(log).toEqual(['a', 'b', 'c'])
})

it('lets the background work only when nothing else does, and a create pass it', async () => {
  const slots = new BootSlots({ parallel: 2, waiting: 10 })
  const log: string[] = []
  const create = await ask(slots, 'foreground', 'create', log)
  const refill = ask(slots, 'background', 'refill', log)
  const another = ask(slots, 'background', 'another refill', log)
  await turn()
  expect(log).toEqual(['create'])
  create[Symbol.dispose]()
  const held = await refill
  await ask(slots, 'foreground', 'urgent', log).then((slot) => slot[Symbol.dispose]())
  expect(log).toEqual(['create', 'refill', 'urgent'])
  held[Symbol.dispose]()
  await another
})

it('refuses what would wait in too long a queue', async () => {
  const slots = new BootSlots({ parallel: 1, waiting: 1 })
  const log: string[] = []
  await ask(slots, 'foreground', 'a', log)
  void ask(slots, 'foreground', 'b', log)
  expect(() => slots.acquire('foreground', never)).toThrow(expect.objectContaining({ code: 'capacity_exhausted' }))
})

it('forgets a waiter that gave up', async () => {
  const slots = new BootSlots({ parallel: 1, waiting: 1 })
  const log: string[] = []
  const first = await ask(slots, 'foreground', 'a', log)
  const abort = new AbortController()
  const gone = ask(slots, 'foreground', 'gone', log, abort.signal)
  abort.abort(new Error('left'))
  await expect(gone).rejects.toThrow('left')
  const next = ask(slots, 'foreground', 'b', log)
  first[Symbol.dispose]()
  await next
  expect(log).toEqual(['a', 'b'])
})
