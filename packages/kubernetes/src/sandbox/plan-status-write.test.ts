import { describe, expect, it } from 'vitest'
import type { SandboxStatus, WitnessVerdict } from '../api/index.ts'
import type { Condition } from '../controller/index.ts'
import { planStatusWrite, settleWindow } from './plan-status-write.ts'
import { extensionRef, storedSandbox } from './testing/stored-sandbox.ts'

const condition = (type: string, status: Condition['status'], reason: string, observedGeneration = 1): Condition => ({
  type,
  status,
  reason,
  message: '',
  observedGeneration,
  lastTransitionTime: '2026-01-01T00:00:00Z',
})
const status = (status: Condition['status'], reason: string, more: Partial<SandboxStatus> = {}): SandboxStatus => ({
  conditions: [condition('Ready', status, reason), condition('Suspended', 'False', 'NotSuspended')],
  ...more,
})
const starting = status('False', 'DependenciesNotReady')
const ready = status('True', 'DependenciesReady')
const suspended: SandboxStatus = {
  conditions: [condition('Ready', 'False', 'SandboxSuspended'), condition('Suspended', 'True', 'PodTerminated')],
}
const seen = (verdict: WitnessVerdict, status: SandboxStatus, checkedAt = '2026-01-01T00:00:00Z'): SandboxStatus => ({
  ...status,
  kernel: { class: 'userspace', verdict, checkedAt },
})
const resuming: SandboxStatus = {
  conditions: [condition('Ready', 'False', 'DependenciesNotReady'), condition('Suspended', 'True', 'PodTerminated')],
}

describe('a status', () => {
  it.each([
    ['the same', ready, ready, 'none'],
    ['on another node before Ready', starting, { ...starting, nodeName: 'n' }, 'none'],
    ['on another node when Ready', ready, { ...ready, nodeName: 'n' }, 'now'],
    ['the first, on its way', undefined, starting, 'settle'],
    ['the first, Ready', undefined, ready, 'now'],
    ['the first, wrong', undefined, status('False', 'ReconcilerError'), 'now'],
    ['further on its way', starting, { ...starting, podIPs: ['10.0.0.7'] }, 'settle'],
    ['Ready', starting, ready, 'now'],
    ['Ready no more', ready, starting, 'now'],
    ['suspended', starting, suspended, 'now'],
    ['resuming', suspended, starting, 'now'],
    ['still said to be suspended', resuming, starting, 'now'],
    ['expired', starting, status('False', 'SandboxExpired'), 'now'],
    ['seen to be isolated', ready, seen('Isolated', ready), 'settle'],
    ['seen to be isolated while it starts', starting, seen('Isolated', starting), 'settle'],
    ['seen to be isolated, and Ready', starting, seen('Isolated', ready), 'now'],
    ['seen to be not as promised', ready, seen('Mismatch', ready), 'now'],
    ['seen to be not as promised while it starts', starting, seen('Mismatch', starting), 'now'],
    ['seen no more', seen('Isolated', ready), seen('Unknown', ready), 'now'],
    ['seen again', seen('Isolated', ready), seen('Isolated', ready, '2026-01-01T01:00:00Z'), 'none'],
    ['whose stamp nobody has given', seen('Isolated', ready), ready, 'now'],
    ['of another generation', ready, { conditions: [condition('Ready', 'True', 'DependenciesReady', 2)] }, 'now'],
  ])('%s', (_, before, after, kind) => {
    expect(planStatusWrite(before, after).kind).toBe(kind)
  })

  it('is written as far as it has changed', () => {
    const before = { ...ready, selector: 's', podIPs: ['1'], nodeName: 'n' }
    expect(planStatusWrite(before, { ...ready, selector: 's', podIPs: ['2'] })).toEqual({
      kind: 'now',
      patch: { podIPs: ['2'], nodeName: null },
    })
  })
})

it('has a stamp whole or not at all, whatever stood there before', () => {
  const before = { ...ready, kernel: { class: 'hardware', bootID: 'forged', verdict: 'Isolated' } } as const
  expect(planStatusWrite(before, { ...ready, kernel: { class: 'userspace', verdict: 'Mismatch' } })).toMatchObject({
    patch: { kernel: { class: 'userspace', bootID: null, verdict: 'Mismatch' } },
  })
  expect(planStatusWrite(before, ready)).toMatchObject({ patch: { kernel: null } })
})

it.each([
  ['made by hand', undefined, { stage: 'witnessed', ms: 2_000 }],
  ['of a pool', extensionRef('SandboxWarmPool'), { stage: 'witnessed', ms: 60_000 }],
])('good news of the kernel of a Sandbox %s waits for company', (_, owner, expected) => {
  const sandbox = storedSandbox({ metadata: { ownerReferences: owner ? [owner] : [] } })
  expect(settleWindow(sandbox, ready, 0)).toEqual(expected)
})

it.each([
  ['made by hand', undefined, undefined, 0, { stage: 'starting', ms: 1_000 }],
  ['made by hand', undefined, ['10.0.0.7'], 0, { stage: 'addressed', ms: 1_000 }],
  ['made by hand', undefined, undefined, 3_000, { stage: 'starting', ms: 3_000 }],
  ['of a pool', extensionRef('SandboxWarmPool'), undefined, 0, { stage: 'starting', ms: 5_000 }],
  ['of a pool', extensionRef('SandboxWarmPool'), ['10.0.0.7'], 0, { stage: 'addressed', ms: 1_000 }],
  ['of a claim', extensionRef('SandboxClaim'), undefined, 0, { stage: 'starting', ms: 1_000 }],
])('a Sandbox %s waits a while for what comes next', (_, owner, podIPs, writeBehindMs, expected) => {
  const sandbox = storedSandbox({ metadata: { ownerReferences: owner ? [owner] : [] } })
  expect(settleWindow(sandbox, podIPs ? { podIPs } : {}, writeBehindMs)).toEqual(expected)
})
