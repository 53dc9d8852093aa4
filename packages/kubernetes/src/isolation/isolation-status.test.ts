import { describe, expect, it } from 'vitest'
import { type Outcome, planIsolationStatus } from './isolation-status.ts'
import { storedPolicy } from './testing/stored-policy.ts'

const enforced: Outcome = { kind: 'enforced', hash: 'h1', lacksDefaults: false }
const at = Date.parse('2026-01-01T00:00:00Z')
const plan = (outcome: Outcome, ...policy: Parameters<typeof storedPolicy>) =>
  planIsolationStatus(storedPolicy(...policy), outcome, at)

describe('the status of a policy', () => {
  it.each<[outcome: Outcome, violation: 'Deny' | 'Audit', status: string, reason: string, says: RegExp]>([
    [enforced, 'Deny', 'True', 'Enforced', /^the API server refuses Pods/],
    [enforced, 'Audit', 'True', 'Enforced', /refuses none$/],
    [
      { ...enforced, lacksDefaults: true },
      'Deny',
      'True',
      'EnforcedWithoutDefaults',
      /no MutatingAdmissionPolicy.*must set/,
    ],
    [{ kind: 'failed', reason: 'InvalidSpec', message: 'why' }, 'Deny', 'False', 'InvalidSpec', /^why$/],
  ])('%j with %s', (outcome, violation, status, reason, says) => {
    expect(plan(outcome, { violation })).toMatchObject({
      observedGeneration: 3,
      conditions: [{ type: 'Ready', status, reason, message: expect.stringMatching(says), observedGeneration: 3 }],
    })
  })

  it('is written once', () => {
    const status = plan(enforced)
    expect(status).toMatchObject({ compiled: { hash: 'h1' } })
    expect(plan(enforced, {}, status)).toBeUndefined()
    expect(plan({ ...enforced, hash: 'h2' }, {}, status)).toMatchObject({ compiled: { hash: 'h2' } })
  })

  it('still says what was in place before it failed', () => {
    const failed: Outcome = { kind: 'failed', reason: 'RefusedByApiServer', message: 'why' }
    expect(plan(failed, {}, plan(enforced))).toMatchObject({ compiled: { hash: 'h1' } })
  })
})
