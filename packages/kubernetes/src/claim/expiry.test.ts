import { describe, expect, it } from 'vitest'
import type { ClaimLifecycle } from '../api/index.ts'
import { type Expiry, planExpiry } from './expiry.ts'
import { aClaim, condition } from './testing/objects.ts'

const now = Date.parse('2026-01-01T00:01:00Z')
const past = '2026-01-01T00:00:30Z'
const future = '2026-01-01T00:01:30Z'
/** Since 00:00:00. */
const finished = condition('Finished', 'True', 'PodSucceeded')
const running = condition('Finished', 'False', 'PodRunning')
const expired = condition('Ready', 'False', 'ClaimExpired')
const lives = (inMs?: number): Expiry => ({ kind: 'lives', inMs })

describe('the end of a claim', () => {
  it.each<[string, ClaimLifecycle | undefined, ReturnType<typeof condition>[], Expiry]>([
    ['none without a lifecycle', undefined, [finished], lives()],
    ['none in a lifecycle without times', { shutdownPolicy: 'Delete' }, [finished], lives()],
    ['none at what is no time', { shutdownTime: 'soon' }, [], lives()],
    ['later', { shutdownTime: future }, [], lives(30_000)],
    ['in a year: looked at again in an hour', { shutdownTime: '2027-01-01T00:00:00Z' }, [], lives(3_600_000)],
    ['at once', { shutdownTime: past }, [], { kind: 'mark' }],
    ['on the very millisecond', { shutdownTime: '2026-01-01T00:01:00Z' }, [], { kind: 'mark' }],
    ['not counted before it has finished', { ttlSecondsAfterFinished: 0 }, [], lives()],
    ['not counted while it has not finished', { ttlSecondsAfterFinished: 0 }, [running], lives()],
    ['at once when finished', { ttlSecondsAfterFinished: 0 }, [finished], { kind: 'mark' }],
    ['some time after it finished', { ttlSecondsAfterFinished: 100 }, [finished], lives(40_000)],
    ['at the earlier of two', { ttlSecondsAfterFinished: 100, shutdownTime: past }, [finished], { kind: 'mark' }],
    [
      'at the earlier of the other two',
      { ttlSecondsAfterFinished: 70, shutdownTime: future },
      [finished],
      lives(10_000),
    ],
    ['Retain by default', { shutdownTime: past }, [expired], { kind: 'deleteSandbox' }],
    ['Retain', { shutdownTime: past, shutdownPolicy: 'Retain' }, [expired], { kind: 'deleteSandbox' }],
    [
      'Delete',
      { shutdownTime: past, shutdownPolicy: 'Delete' },
      [expired],
      { kind: 'deleteClaim', propagation: undefined },
    ],
    [
      'DeleteForeground',
      { shutdownTime: past, shutdownPolicy: 'DeleteForeground' },
      [expired],
      { kind: 'deleteClaim', propagation: 'Foreground' },
    ],
    ['taken back', { shutdownTime: future, shutdownPolicy: 'Delete' }, [expired], lives(30_000)],
  ])('%s', (_, lifecycle, conditions, expected) => {
    const claim = aClaim({}, { ...(lifecycle && { lifecycle }), status: { conditions } })
    expect(planExpiry(claim, now)).toEqual(expected)
  })
})
