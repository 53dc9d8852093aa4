import { describe, expect, it } from 'vitest'
import type { SandboxStatus } from '../api/index.ts'
import { wholeSeconds } from '../controller/index.ts'
import { expiredStatus, isMarkedExpired, planExpiry, retainedStatus } from './plan-expiry.ts'
import { storedSandbox } from './testing/stored-sandbox.ts'

const wallMs = Date.UTC(2026, 0, 1)
const inMs = (ms: number) => ({ spec: { shutdownTime: wholeSeconds(wallMs + ms) } })

describe('a Sandbox', () => {
  it.each([
    ['without a time', {}, { kind: 'alive', recheckMs: undefined }],
    ['whose time has come', inMs(0), { kind: 'expired' }],
    ['whose time is over', inMs(-5_000), { kind: 'expired' }],
    ['with a second left', inMs(1_000), { kind: 'alive', recheckMs: 2_000 }],
    ['with a minute left', inMs(60_000), { kind: 'alive', recheckMs: 60_000 }],
    ['with a year left', inMs(365 * 86_400_000), { kind: 'alive', recheckMs: 3_600_000 }],
    ['whose time is none', { spec: { shutdownTime: 'soon' } }, { kind: 'alive', recheckMs: undefined }],
  ])('%s', (_, sandbox, expected) => {
    expect(planExpiry(sandbox, wallMs)).toEqual(expected)
  })

  it('keeps what it was when it expired', () => {
    const condition = (type: string, status: 'True' | 'False') => ({
      type,
      status,
      reason: 'r',
      message: 'm',
      observedGeneration: 1,
      lastTransitionTime: '2025-12-31T00:00:00Z',
    })
    const kept = [condition('Suspended', 'False'), condition('Finished', 'True')]
    const status: SandboxStatus = {
      conditions: [condition('Ready', 'True'), ...kept, condition('PodScheduled', 'True')],
      selector: 's',
      podIPs: ['1'],
    }
    const expired = expiredStatus(storedSandbox({ status }), wallMs)
    expect(expired).toEqual({
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'SandboxExpired',
          message: 'Sandbox has expired',
          observedGeneration: 3,
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
        ...kept,
      ],
      selector: 's',
      podIPs: ['1'],
    })
    expect(isMarkedExpired(status)).toBe(false)
    expect(isMarkedExpired(expired)).toBe(true)
    expect(retainedStatus(expired)).toEqual({ conditions: expired.conditions })
  })
})
