import { describe, expect, it } from 'vitest'
import { isSameStatus, poolStatus, StatusPace } from './pool-status.ts'
import { memberOf, notReady, poolOf, ready } from './testing/warm-pool-objects.ts'

it('counts members and those Ready, and says how to find them', () => {
  const pool = poolOf({}, 'test-pool')
  const active = [memberOf('a', { conditions: ready }), memberOf('b', { conditions: notReady }), memberOf('c')]
  const status = poolStatus(pool, active)
  expect(status).toEqual({
    replicas: 3,
    readyReplicas: 1,
    selector: 'agents.x-k8s.io/warm-pool-sandbox=59733166',
    observedGeneration: 1,
  })
  expect(isSameStatus({ ...status }, status)).toBe(true)
  expect(isSameStatus(undefined, status)).toBe(false)
  for (const field of Object.keys(status)) expect(isSameStatus({ ...status, [field]: undefined }, status)).toBe(false)
})

describe('the pace of writes', () => {
  it('writes nothing that is written', () => {
    expect(new StatusPace().writeInMs(false, true, 0)).toBeUndefined()
  })

  it('writes at once what will not change by itself', () => {
    expect(new StatusPace().writeInMs(true, true, 0)).toBe(0)
  })

  it('waits a second for what comes next', () => {
    const pace = new StatusPace()
    expect(pace.writeInMs(true, false, 0)).toBe(1_000)
    expect(pace.writeInMs(true, false, 600)).toBe(400)
    expect(pace.writeInMs(true, false, 1_000)).toBe(0)
  })

  it('writes nothing when it is as it was within the second', () => {
    const pace = new StatusPace()
    pace.writeInMs(true, false, 0)
    expect(pace.writeInMs(false, true, 500)).toBeUndefined()
    expect(pace.writeInMs(true, false, 900)).toBe(1_000)
  })

  it('writes once a second while it changes, and the end', () => {
    const pace = new StatusPace()
    const writes: number[] = []
    for (let now = 0; now <= 5_000; now += 100) {
      if (pace.writeInMs(now <= 3_300, now >= 3_300, now) !== 0) continue
      pace.written(now)
      writes.push(now)
    }
    expect(writes).toEqual([1_000, 2_100, 3_200])
    expect(pace.writeInMs(true, true, 3_300)).toBe(900)
  })
})
