import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Change, ChangeHandler } from './cache/informer.ts'
import type { OwnerReference, Stored } from './client/kubernetes-object.ts'
import { resourceType } from './client/resource-type.ts'
import { Controller, type ControllerOptions } from './controller.ts'
import type { Fence } from './fence.ts'
import { toController, toSelf } from './map-change.ts'
import { done, requeueAfter, TerminalError } from './reconcile.ts'
import { ManualClock } from './testing/manual-clock.ts'

/** A source of changes that a test speaks through. */
function source() {
  const handlers = new Set<ChangeHandler<Stored>>()
  const syncing = Promise.withResolvers<void>()
  return {
    synced: syncing.promise,
    sync: () => syncing.resolve(),
    fail: (error: Error) => syncing.reject(error),
    tell: (change: Change<Stored>) => {
      for (const handler of [...handlers]) handler(change)
    },
    onChange: (handler: ChangeHandler<Stored>) => {
      handlers.add(handler)
      return { [Symbol.dispose]: () => void handlers.delete(handler) }
    },
  }
}

const thing = (name: string, owner?: OwnerReference): Stored => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: {
    namespace: 'ns',
    name,
    uid: name,
    resourceVersion: '1',
    creationTimestamp: '',
    ...(owner && { ownerReferences: [owner] }),
  },
})
const added = (name: string): Change<Stored> => ({ type: 'added', object: thing(name) })

/** A running controller whose passes a test ends one by one. */
function open(options: Partial<ControllerOptions> = {}) {
  const clock = new ManualClock()
  const passes: {
    readonly key: string
    readonly signal: AbortSignal
    readonly end: PromiseWithResolvers<typeof done>
  }[] = []
  const outcomes: string[] = []
  const things = source()
  const controller = new Controller({
    name: 'test',
    clock,
    reconcile: (key, signal) => {
      const end = Promise.withResolvers<typeof done>()
      passes.push({ key, signal, end })
      return end.promise
    },
    metrics: { started: () => {}, ended: (outcome) => void outcomes.push(outcome) },
    ...options,
  }).watch(things, toSelf())
  const stop = new AbortController()
  const lost = new AbortController()
  const fence: Fence = { signal: lost.signal, assertHeld: () => lost.signal.throwIfAborted() }
  const run = () => controller.run(stop.signal, fence)
  /** The pass of this number, as soon as it has begun. */
  const pass = async (number: number) => {
    while (passes.length < number) await turn()
    return passes[number - 1] as (typeof passes)[number]
  }
  return { clock, controller, things, passes, pass, outcomes, stop, lost, run }
}

it('collects keys from the beginning, and works on them when everything is synced', async () => {
  const { things, passes, pass, stop, run } = open()
  things.tell(added('early'))
  const running = run()
  await turn()
  expect(passes).toEqual([])
  things.sync()
  const first = await pass(1)
  expect(first.key).toBe('ns/early')
  first.end.resolve(done)
  things.tell(added('late'))
  const second = await pass(2)
  expect(second.key).toBe('ns/late')
  stop.abort()
  second.end.resolve(done)
  await running
})

it('works on as many keys at once as it has workers, never twice on one', async () => {
  const { things, passes, pass, stop, run } = open({ workers: 2 })
  things.sync()
  for (const name of ['a', 'a', 'b', 'c']) things.tell(added(name))
  const running = run()
  await pass(2)
  things.tell(added('a'))
  await turn()
  expect(passes.map(({ key }) => key)).toEqual(['ns/a', 'ns/b'])
  passes[1]?.end.resolve(done)
  await pass(3)
  passes[0]?.end.resolve(done)
  await pass(4)
  expect(passes.map(({ key }) => key)).toEqual(['ns/a', 'ns/b', 'ns/c', 'ns/a'])
  stop.abort()
  for (const { end } of passes) end.resolve(done)
  await running
})

it('tries what failed again with back-off, and what cannot get better not at all', async () => {
  const { clock, controller, things, passes, pass, outcomes, stop, run } = open()
  things.sync()
  things.tell(added('a'))
  const running = run()
  ;(await pass(1)).end.reject(new Error('first'))
  await clock.timerWithin(5)
  clock.advance(5)
  ;(await pass(2)).end.reject(new Error('second'))
  await clock.timerWithin(10)
  expect(controller.queue.failures('ns/a')).toBe(2)
  clock.advance(10)
  ;(await pass(3)).end.reject(new TerminalError('hopeless'))
  while (outcomes.length < 3) await turn()
  clock.advance(10_000)
  await turn()
  expect([passes.length, controller.queue.failures('ns/a')]).toEqual([3, 0])
  expect(outcomes).toEqual(['error', 'error', 'terminal_error'])
  stop.abort()
  await running
})

it('looks again when a pass asks for it', async () => {
  const { clock, things, pass, outcomes, stop, run } = open()
  things.sync()
  things.tell(added('a'))
  const running = run()
  ;(await pass(1)).end.resolve(requeueAfter(30_000) as typeof done)
  while (outcomes.length < 1) await turn()
  clock.advance(30_000)
  ;(await pass(2)).end.resolve(done)
  while (outcomes.length < 2) await turn()
  expect(outcomes).toEqual(['requeue_after', 'success'])
  stop.abort()
  await running
})

it('cuts off a pass that takes too long, and tries again', async () => {
  const { clock, things, pass, stop, run } = open({ deadlineMs: 1_000 })
  things.sync()
  things.tell(added('a'))
  const running = run()
  const first = await pass(1)
  clock.advance(1_000)
  expect(first.signal.reason).toMatchObject({ name: 'TimeoutError' })
  first.end.reject(first.signal.reason)
  await clock.timerWithin(5)
  clock.advance(5)
  const second = await pass(2)
  stop.abort()
  second.end.resolve(done)
  await running
})

describe('at its end', () => {
  it('lets passes under way finish, takes no more keys, and hears no more', async () => {
    const { things, passes, pass, stop, run } = open()
    things.sync()
    things.tell(added('a'))
    things.tell(added('b'))
    let ended = false
    const running = run().then(() => {
      ended = true
    })
    const first = await pass(1)
    stop.abort()
    await turn()
    things.tell(added('c'))
    expect([ended, first.signal.aborted]).toEqual([false, false])
    first.end.resolve(done)
    await running
    expect(passes.length).toBe(1)
  })

  it('cuts passes off after the grace, and does not wait for ever for one that ignores it', async () => {
    const { clock, things, pass, outcomes, stop, run } = open({ graceMs: 5_000, workers: 2 })
    things.sync()
    things.tell(added('obedient'))
    things.tell(added('deaf'))
    const running = run()
    const [obedient, deaf] = [await pass(1), await pass(2)]
    obedient.signal.addEventListener('abort', () => obedient.end.reject(obedient.signal.reason))
    stop.abort()
    await clock.timerWithin(5_000)
    clock.advance(5_000)
    while (outcomes.length < 1) await turn()
    expect([outcomes, deaf.signal.aborted]).toEqual([['cut_off'], true])
    await clock.timerWithin(5_000)
    clock.advance(5_000)
    await running
  })

  it('cuts passes off at once when the fence is lost', async () => {
    const { things, pass, outcomes, lost, run } = open()
    things.sync()
    things.tell(added('a'))
    const running = run()
    const first = await pass(1)
    first.signal.addEventListener('abort', () => first.end.reject(first.signal.reason))
    lost.abort(new Error('not the leader'))
    await running
    expect([first.signal.reason.message, outcomes]).toEqual(['not the leader', ['cut_off']])
  })

  it('fails when a source ended before it was synced, and just ends when it was told to before', async () => {
    const failing = open()
    failing.things.fail(new Error('the informer was stopped'))
    await expect(failing.run()).rejects.toThrow('the informer was stopped')
    const stopped = open()
    stopped.stop.abort()
    await stopped.run()
    expect(stopped.passes).toEqual([])
  })
})

describe('changes map', () => {
  const pools = resourceType({ group: 'x.dev', version: 'v1', plural: 'pools', kind: 'Pool', namespaced: true })
  const ownedBy = (name: string, apiVersion = 'x.dev/v1'): OwnerReference => ({
    apiVersion,
    kind: 'Pool',
    name,
    uid: name,
    controller: true,
  })

  it('to the owner, and to the one before, which has lost a child', () => {
    const map = toController(pools, 'background')
    const key = (name: string) => ({ key: `ns/${name}`, lane: 'background' })
    const child = (owner?: string) => thing('c', owner ? ownedBy(owner) : undefined)
    expect([...map({ type: 'added', object: child('p') })]).toEqual([key('p')])
    expect([...map({ type: 'updated', object: child('p'), old: child('p') })]).toEqual([key('p')])
    expect([...map({ type: 'updated', object: child('q'), old: child('p') })]).toEqual([key('q'), key('p')])
    expect([...map({ type: 'updated', object: child(), old: child('p') })]).toEqual([key('p')])
    expect([...map({ type: 'deleted', object: child('p'), unseen: true })]).toEqual([key('p')])
    expect([...map({ type: 'added', object: child() })]).toEqual([])
  })

  it('to owners of the type, in whatever version they were written', () => {
    const map = toController(pools)
    expect([...map({ type: 'added', object: thing('c', ownedBy('p', 'x.dev/v1alpha1')) })]).toEqual(['ns/p'])
    expect([...map({ type: 'added', object: thing('c', ownedBy('p', 'other.dev/v1')) })]).toEqual([])
  })
})
