import { describe, expect, it } from 'vitest'
import type { SandboxStatus } from '../api/index.ts'
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
