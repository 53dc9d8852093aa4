import { describe, expect, it } from 'vitest'
import { boundStatus, ownStatus, statusPatch } from './claim-status.ts'
import { aClaim, condition, epoch, ownSandbox, readyCondition } from './testing/objects.ts'

const now = Date.parse('2026-01-01T01:00:00Z')
const claim = aClaim({ generation: 7 })

describe('the status of a claim', () => {
  it('is that of its Sandbox, with the claim’s own generation', () => {
    const sandbox = ownSandbox(claim, 's', 'warm', {
      status: { podIPs: ['10.0.0.1', 'fd00::1'], serviceFQDN: 's.default.svc', nodeName: 'n', selector: 'x' },
    })
    expect(boundStatus(claim, sandbox, now)).toEqual({
      conditions: [{ ...readyCondition, observedGeneration: 7 }],
      sandbox: { name: 's', podIPs: ['10.0.0.1', 'fd00::1'], serviceFQDN: 's.default.svc' },
    })
  })

  it('has Finished as the Sandbox says it, and no other conditions', () => {
    const failed = condition('Ready', 'False', 'PodFailed', 'Pod failed')
    const finished = condition('Finished', 'True', 'PodFailed', 'Pod failed')
    const conditions = [failed, condition('Suspended', 'False', 'NotSuspended'), finished]
    const before = aClaim({ generation: 7 }, { status: { conditions: [condition('Strange', 'True', 'X')] } })
    expect(boundStatus(before, ownSandbox(before, 's', 'cold', { status: { conditions, podIPs: [] } }), now)).toEqual({
      conditions: [finished, { ...failed, observedGeneration: 7 }],
      sandbox: { name: 's' },
    })
  })

  it('says so when the Sandbox has not said anything yet', () => {
    const sandbox = ownSandbox(claim, 's', 'cold', { status: { conditions: [], podIPs: [] } })
    expect(boundStatus(claim, sandbox, now).conditions).toMatchObject([
      { status: 'False', reason: 'SandboxNotReady', lastTransitionTime: '2026-01-01T01:00:00Z' },
    ])
  })

  it('keeps Finished, the Sandbox and the time of the last change when it is refused something', () => {
    const finished = condition('Finished', 'True', 'PodSucceeded')
    const before = aClaim(
      { generation: 7 },
      { status: { conditions: [finished, condition('Ready', 'False', 'Old')], sandbox: { name: 's' } } }
    )
    const refusal = { reason: 'InvalidMetadata', message: 'no' }
    const ready = {
      type: 'Ready',
      status: 'False',
      ...refusal,
      observedGeneration: 7,
      lastTransitionTime: epoch,
    }
    expect(ownStatus(before, refusal, now)).toEqual({ conditions: [finished, ready], sandbox: { name: 's' } })
    expect(ownStatus(before, refusal, now, null)).toEqual({ conditions: [finished, ready] })
  })

  it('is written only when it is new, and without what is no longer so', () => {
    const sandbox = ownSandbox(claim, 's', 'warm')
    const status = boundStatus(claim, sandbox, now)
    expect(statusPatch(aClaim({ generation: 7 }, { status }), status)).toBeUndefined()
    expect(statusPatch(claim, { ...status, sandbox: { name: 's' } })).toEqual({
      status: { conditions: status.conditions, sandbox: { name: 's', podIPs: null, serviceFQDN: null } },
    })
    expect(statusPatch(aClaim({}, { status }), { conditions: status.conditions ?? [] })).toMatchObject({
      status: { sandbox: null },
    })
  })
})
