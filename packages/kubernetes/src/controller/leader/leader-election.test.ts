import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ApiClient, type OpenedApiClient, openApiClient } from '../client/api-client.ts'
import { configMaps, type Lease } from '../client/core-resources.ts'
import { systemClock } from '../clock.ts'
import { ApiServerPeer, status } from '../testing/api-server-peer.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { LeaderElection } from './leader-election.ts'
import type { Leadership } from './leadership.ts'
import { microTime, observe, planElection } from './lease-plan.ts'

let peer: ApiServerPeer
let opened: OpenedApiClient
let client: ApiClient

beforeEach(async () => {
  peer = await ApiServerPeer.start()
  opened = openApiClient({ access: peer.access, clock: systemClock, random: () => 0 })
  client = opened.client
})
afterEach(async () => {
  await opened[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

const lease = () => peer.read('leases.coordination.k8s.io', 'operator') as Lease | undefined
const holder = () => lease()?.spec?.holderIdentity

/** A candidate with clocks of its own, and what becomes of it. */
function candidate(identity: string, clock = new ManualClock()) {
  const stop = new AbortController()
  const elected = Promise.withResolvers<Leadership>()
  const leave = Promise.withResolvers<void>()
  const election = new LeaderElection({
    client,
    clock,
    namespace: 'default',
    name: 'operator',
    identity,
    random: () => 0,
  })
  const ended = election.run(stop.signal, async (term) => {
    elected.resolve(term)
    await leave.promise
  })
  ended.catch(() => {})
  return { clock, stop, elected: elected.promise, leave: () => leave.resolve(), ended, election }
}

const requestsFor = (identity: string) =>
  peer.requests.filter(({ body }) => (body as Lease | undefined)?.spec?.holderIdentity === identity).length

/** Lets a candidate make its next try, and waits until the server has seen it. */
async function next({ clock }: { clock: ManualClock }) {
  const before = peer.requests.length
  await clock.timerWithin(2_000)
  clock.advance(2_000)
  await peer.until(() => peer.requests.length > before)
}

it('elects one, keeps the lease renewed, and hands over at once when it ends', async () => {
  const first = candidate('first')
  await first.elected
  expect(lease()?.spec).toMatchObject({ holderIdentity: 'first', leaseDurationSeconds: 15, leaseTransitions: 0 })
  const second = candidate('second')
  for (let n = 0; n < 20; n++) {
    await next(first)
    await next(second)
  }
  expect(holder()).toBe('first')
  const { acquireTime, renewTime } = lease()?.spec ?? {}
  expect(Date.parse(renewTime as string) - Date.parse(acquireTime as string)).toBe(40_000)
  first.leave()
  await first.ended
  expect(holder()).toBe('')
  await next(second)
  await second.elected
  expect(lease()?.spec).toMatchObject({ holderIdentity: 'second', leaseTransitions: 1 })
})

it('takes over what was not renewed for the lease’s duration since it was first seen, by its own clock', async () => {
  const first = candidate('first')
  await first.elected
  const second = candidate('second')
  await peer.until(() => peer.requests.length === 3) // a look of each, and the create
  // The first is gone without a word: its clock stands still.
  for (let n = 0; n < 7; n++) await next(second)
  expect(holder()).toBe('first')
  await next(second)
  await second.elected
  expect(second.clock.now()).toBe(16_000)
  expect(holder()).toBe('second')
})

it.each([-3_600_000, -5_000, 5_000, 3_600_000])('is not confused by a wall clock that is %i ms off', async (skewMs) => {
  const clock = new ManualClock()
  clock.skewMs = skewMs
  const first = candidate('first')
  await first.elected
  const second = candidate('second', clock)
  for (let n = 0; n < 30; n++) {
    clock.skewMs = -clock.skewMs
    await next(first)
    await next(second)
  }
  expect(holder()).toBe('first')
  expect(requestsFor('second')).toBe(0)
})

describe('a term', () => {
  it('ends at its deadline when renewals fail, before anybody else may begin', async () => {
    const first = candidate('first')
    const term = await first.elected
    peer.script = () => status(500, 'InternalError', 'etcdserver: request timed out')
    for (let n = 0; n < 4; n++) await next(first)
    expect(term.signal.aborted).toBe(false)
    expect(term.remainingMs).toBe(2_000)
    await first.clock.timerWithin(2_000)
    first.clock.advance(1_999)
    term.assertHeld()
    first.clock.advance(1)
    expect(term.signal.aborted).toBe(true)
    first.leave()
    await expect(first.ended).rejects.toMatchObject({ code: 'leadership_lost' })
  })

  it('is over for its fence when the process was not run for too long, though no timer has fired', async () => {
    const first = candidate('first')
    const term = await first.elected
    const bound = client.with({ fence: term })
    await bound.create(configMaps, { metadata: { namespace: 'default', name: 'before' } })
    first.clock.freeze(10_000)
    expect(term.signal.aborted).toBe(false)
    const late = bound.create(configMaps, { metadata: { namespace: 'default', name: 'after' } })
    await expect(late).rejects.toMatchObject({ code: 'leadership_lost' })
    expect(peer.names('configmaps')).toEqual(['before'])
    first.leave()
    await expect(first.ended).rejects.toMatchObject({ code: 'leadership_lost' })
  })

  it('counts from when a renewal was sent, not from when it was answered', async () => {
    const first = candidate('first')
    const term = await first.elected
    const gate = Promise.withResolvers<undefined>()
    peer.script = () => gate.promise
    await next(first)
    first.clock.advance(3_000)
    peer.script = undefined
    gate.resolve(undefined)
    await peer.until(() => lease()?.spec?.renewTime !== lease()?.spec?.acquireTime)
    while (term.remainingMs !== 7_000) await turn()
    first.leave()
    await first.ended
  })

  it('survives a renewal whose answer was lost, and somebody’s label on the lease', async () => {
    const first = candidate('first')
    const term = await first.elected
    const current = lease() as Lease
    peer.put('leases.coordination.k8s.io', { ...current, metadata: { ...current.metadata, labels: { a: 'b' } } })
    await next(first)
    await peer.until(() => lease()?.spec?.renewTime === microTime(first.clock.wall()))
    expect(term.signal.aborted).toBe(false)
    first.leave()
    await first.ended
  })

  it('is lost at once when somebody else holds the lease', async () => {
    const first = candidate('first')
    const term = await first.elected
    const current = lease() as Lease
    peer.put('leases.coordination.k8s.io', { ...current, ...{ spec: { ...current.spec, holderIdentity: 'thief' } } })
    await next(first)
    while (!term.signal.aborted) await turn()
    expect(term.signal.reason).toMatchObject({ code: 'leadership_lost', message: expect.stringContaining('thief') })
    first.leave()
    await expect(first.ended).rejects.toMatchObject({ code: 'leadership_lost' })
    expect(holder()).toBe('thief')
  })

  it('goes on when the lease was deleted and nobody was quicker', async () => {
    const first = candidate('first')
    const term = await first.elected
    peer.remove('leases.coordination.k8s.io', 'operator')
    await next(first)
    await peer.until(() => holder() === 'first')
    expect(term.signal.aborted).toBe(false)
    first.leave()
    await first.ended
  })

  it('is renewed while it hands over', async () => {
    const first = candidate('first')
    await first.elected
    first.stop.abort()
    for (let n = 0; n < 10; n++) await next(first)
    expect(requestsFor('first')).toBe(11)
    first.leave()
    await first.ended
    expect(holder()).toBe('')
  })

  it('lets nothing through after its end, even when it was not lost', async () => {
    const first = candidate('first')
    const term = await first.elected
    first.leave()
    await first.ended
    expect(() => term.assertHeld()).toThrow('the term has ended')
  })
})

it('hands on what the leader’s work throws, and releases', async () => {
  const { clock } = { clock: new ManualClock() }
  const election = new LeaderElection({ client, clock, namespace: 'default', name: 'operator', identity: 'me' })
  const run = election.run(new AbortController().signal, () => {
    throw new Error('broken')
  })
  await expect(run).rejects.toThrow('broken')
  expect(holder()).toBe('')
})

it('ends without an election when it is told to', async () => {
  const first = candidate('first')
  await first.elected
  const second = candidate('second')
  await second.clock.timerWithin(2_000)
  second.stop.abort()
  await second.ended
  first.leave()
  await first.ended
})

it('gives back a lease that it wins while it is told to end', async () => {
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  peer.script = async ({ method }) => {
    if (method !== 'POST') return undefined
    asked.resolve()
    await answer.promise
    return undefined
  }
  const first = candidate('first')
  first.leave()
  await asked.promise
  first.stop.abort()
  answer.resolve()
  await first.ended
  expect(holder()).toBe('')
})

it('refuses times that do not fit', () => {
  const options = { client, clock: systemClock, namespace: 'n', name: 'l', identity: 'i' }
  expect(() => new LeaderElection({ ...options, renewDeadlineMs: 15_000 })).toThrow(RangeError)
  expect(() => new LeaderElection({ ...options, retryPeriodMs: 9_000 })).toThrow(RangeError)
})

it('plans: the same record keeps the moment it was first seen', () => {
  const read = (spec: NonNullable<Lease['spec']>, version: string) =>
    ({
      apiVersion: 'v1',
      kind: 'Lease',
      metadata: { name: 'l', uid: 'u', resourceVersion: version, creationTimestamp: '' },
      spec,
    }) as const
  const spec = { holderIdentity: 'other', leaseDurationSeconds: 15, renewTime: '2020-01-01T00:00:00.000000Z' }
  const first = observe(undefined, read(spec, '1'), 1_000)
  const again = observe(first, read(spec, '2'), 9_000)
  const me = { identity: 'me', leaseDurationMs: 15_000 }
  expect(planElection(again, me, { monotonicMs: 15_999, wallMs: 0 })).toEqual({
    kind: 'wait',
    holder: 'other',
    freeAtMs: 16_000,
  })
  expect(planElection(again, me, { monotonicMs: 16_000, wallMs: 0 }).kind).toBe('replace')
  const renewed = observe(again, read({ ...spec, renewTime: '2020-01-01T00:00:02.000000Z' }, '3'), 10_000)
  expect(planElection(renewed, me, { monotonicMs: 16_000, wallMs: 0 })).toMatchObject({
    kind: 'wait',
    freeAtMs: 25_000,
  })
  expect(microTime(0)).toBe('1970-01-01T00:00:00.000000Z')
})
