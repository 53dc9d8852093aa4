import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type OpenedApiClient, openApiClient } from '../client/api-client.ts'
import type { Event } from '../client/core-resources.ts'
import type { Stored } from '../client/kubernetes-object.ts'
import { systemClock } from '../clock.ts'
import { ApiServerPeer, status } from '../testing/api-server-peer.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { EventRecorder, type EventRecorderOptions } from './event-recorder.ts'

let peer: ApiServerPeer
let opened: OpenedApiClient
const clock = () => new ManualClock()

beforeEach(async () => {
  peer = await ApiServerPeer.start()
  opened = openApiClient({ access: peer.access, clock: systemClock, random: () => 0 })
})
afterEach(async () => {
  await opened[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

const claim = (name = 'c'): Stored => ({
  apiVersion: 'x.dev/v1',
  kind: 'Claim',
  metadata: { namespace: 'default', name, uid: `uid-${name}`, resourceVersion: '7', creationTimestamp: '' },
})
const adopted = { type: 'Normal', reason: 'Adopted', action: 'Adopt', note: 'Adopted warm pool Sandbox "x"' } as const

function open(options: Partial<EventRecorderOptions> & { clock: ManualClock }) {
  const outcomes: string[] = []
  const recorder = new EventRecorder({
    client: opened.client,
    reportingController: 'claim-controller',
    reportingInstance: 'pod-1',
    metrics: { recorded: (outcome) => void outcomes.push(outcome) },
    ...options,
  })
  return { recorder, outcomes }
}
const recorded = () =>
  peer.names('events.events.k8s.io').map((name) => peer.read('events.events.k8s.io', name) as Event)

it('writes an event about an object', async () => {
  const { recorder } = open({ clock: clock() })
  recorder.record(claim(), { ...adopted, related: claim('related') })
  await recorder[Symbol.asyncDispose]()
  expect(recorded()).toMatchObject([
    {
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'claim-controller',
      reportingInstance: 'pod-1',
      ...adopted,
      regarding: {
        apiVersion: 'x.dev/v1',
        kind: 'Claim',
        namespace: 'default',
        name: 'c',
        uid: 'uid-c',
        resourceVersion: '7',
      },
      related: { name: 'related' },
    },
  ])
  expect(recorded()[0]?.metadata?.name).toMatch(/^c\.[0-9a-f]+$/)
})

it('counts what repeats in one event, written once a minute', async () => {
  const time = clock()
  const { recorder, outcomes } = open({ clock: time })
  const recordFor = (seconds: number) => {
    for (let n = 0; n < seconds; n++) {
      recorder.record(claim(), adopted)
      time.advance(1_000)
    }
  }
  recordFor(70)
  await peer.until(() => recorded()[0]?.series?.count === 70)
  recordFor(30)
  time.advance(60_000)
  await peer.until(() => peer.requests.length === 3)
  await recorder[Symbol.asyncDispose]()
  expect(peer.requests.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'PATCH'])
  expect(recorded()).toMatchObject([{ series: { count: 100, lastObservedTime: '2026-01-01T00:01:39.000000Z' } }])
  expect(outcomes.filter((outcome) => outcome === 'folded').length).toBe(99)
})

it('begins anew after a pause, and for another object', async () => {
  const time = clock()
  const { recorder } = open({ clock: time })
  recorder.record(claim(), adopted)
  recorder.record(claim('other'), adopted)
  time.advance(360_001)
  recorder.record(claim(), adopted)
  await recorder[Symbol.asyncDispose]()
  expect(recorded().length).toBe(3)
  expect(new Set(recorded().map(({ metadata }) => metadata?.name)).size).toBe(3)
})

it('drops what is too much about one object, and what is too much at all', async () => {
  const { recorder, outcomes } = open({ clock: clock(), queueLimit: 30 })
  for (let n = 0; n < 40; n++) recorder.record(claim(), { ...adopted, note: `note ${n}` })
  for (let n = 0; n < 20; n++) recorder.record(claim(`c${n}`), adopted)
  await recorder[Symbol.asyncDispose]()
  const count = (outcome: string) => outcomes.filter((other) => other === outcome).length
  // 25 about the first; the queue has room for 5 or 6 more (one may be under way already).
  expect(count('sent')).toBe(recorded().length)
  expect(count('sent') + count('dropped')).toBe(60)
  expect(count('sent')).toBeGreaterThanOrEqual(30)
  expect(count('sent')).toBeLessThanOrEqual(31)
})

it('neither fails nor blocks whoever records, whatever the server does', async () => {
  peer.script = () =>
    status(403, 'Forbidden', 'unable to create new content in namespace default because it is being terminated')
  const time = clock()
  const { recorder, outcomes } = open({ clock: time })
  recorder.record(claim(), adopted)
  await peer.until(() => peer.requests.length === 1)
  while (outcomes.length === 0) await turn()
  peer.script = () => new Promise(() => {})
  recorder.record(claim('other'), adopted)
  const ended = recorder[Symbol.asyncDispose]()
  time.advance(2_000)
  await ended
  recorder.record(claim('late'), adopted)
  expect(outcomes).toEqual(['failed', 'failed'])
})

it('cuts what is too long for the API server', async () => {
  const { recorder } = open({ clock: clock() })
  recorder.record(claim('n'.repeat(253)), { ...adopted, note: 'ü'.repeat(2000) })
  await recorder[Symbol.asyncDispose]()
  const [event] = recorded()
  expect(event?.metadata?.name?.length).toBe(253)
  expect(Buffer.byteLength(event?.note ?? '')).toBeLessThanOrEqual(1024)
  expect(event?.note).toMatch(/^ü+…$/)
})
