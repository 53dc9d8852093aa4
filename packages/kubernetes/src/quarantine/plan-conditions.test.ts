import { describe, expect, it } from 'vitest'
import type { Quarantine, QuarantineStatus, SandboxClaim } from '../api/index.ts'
import type { NetworkPolicy, Pod, Stored } from '../controller/index.ts'
import { storedSandbox } from '../sandbox/testing/stored-sandbox.ts'
import { allowing } from './network-policy.ts'
import { isOver, planConditions, type Told } from './plan-conditions.ts'
import { retentionMs } from './retention.ts'

const wallMs = Date.parse('2026-01-01T00:00:00Z')
/** Of no matter to what is tested. */
const kind = { apiVersion: 'v1', kind: 'Kind' }
const metadata = { namespace: 'ns', name: 'q', uid: 'q-uid', resourceVersion: '1', creationTimestamp: '' }
const noted: QuarantineStatus = {
  sandboxUID: 'sandbox-uid',
  podName: 'p',
  podUID: 'pod-uid',
  claimName: 'c',
  endsAt: 'then',
}
const quarantine = (status: QuarantineStatus): Stored<Quarantine> => ({
  ...kind,
  metadata,
  spec: { sandboxRef: { name: 'my-sandbox' } },
  status,
})
const pod = (spec: Partial<NonNullable<Pod['spec']>> = {}, more = {}): Stored<Pod> => ({
  ...kind,
  metadata: { ...metadata, ...more },
  spec: { containers: [{ name: 'main' }], ...spec },
})
const ready = {
  conditions: [{ type: 'Ready', status: 'True', reason: 'R', message: '', lastTransitionTime: '' }],
} as const
const claim: Stored<SandboxClaim> = {
  ...kind,
  metadata: { ...metadata, name: 'c' },
  spec: { warmPoolRef: { name: 'p' } },
  status: ready,
}
const nothing: Told['replacement'] = { claim: undefined, ofClaim: undefined, sandbox: undefined, hasOtherPod: false }
const told = (more: Partial<Told> = {}): Told => ({ pod: undefined, allowing: [], replacement: nothing, ...more })
const said = (type: string, of: Told, status = noted) => {
  const found = planConditions(quarantine(status), of, wallMs).conditions?.find((condition) => condition.type === type)
  return `${found?.status} ${found?.reason}`
}

it('tells nothing twice', () => {
  const status = planConditions(quarantine(noted), told(), wallMs)
  expect(planConditions(quarantine(status), told(), wallMs + 1000)).toBe(status)
})

it.each<[string, string, Told, QuarantineStatus?]>([
  ['TrafficCut', 'True Denied', told({ pod: pod() })],
  ['TrafficCut', 'False OtherPoliciesAllow', told({ pod: pod(), allowing: [{ metadata }] as Stored<NetworkPolicy>[] })],
  ['TrafficCut', 'True PodGone', told()],
  ['TrafficCut', 'True NoPod', told(), {}],
  ['TokensInvalidated', 'True PodGone', told()],
  ['TokensInvalidated', 'True NoTokens', told({ pod: pod() })],
  [
    'TokensInvalidated',
    'False BoundToPod',
    told({ pod: pod({ volumes: [{ name: 't', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }) }),
  ],
  ['Ended', 'False Held', told({ pod: pod() })],
  ['Ended', 'False Killing', told({ pod: pod({}, { deletionTimestamp: 'now' }) })],
  ['Ended', 'True PodGone', told()],
  ['Ended', 'True NothingToHold', told(), {}],
  ['Replaced', 'True NotWanted', told()],
  ['Replaced', 'False ClaimWaits', told({ replacement: { ...nothing, claim } })],
  ['Replaced', 'False ClaimWaits', told({ replacement: { ...nothing, claim, ofClaim: storedSandbox() } })],
  [
    'Replaced',
    'True ClaimServed',
    told({ replacement: { ...nothing, claim, ofClaim: storedSandbox({ metadata: { uid: 'new' } }) } }),
  ],
  [
    'Replaced',
    'False PodStarts',
    told({ replacement: { ...nothing, sandbox: storedSandbox({ status: ready }) } }),
    { podUID: 'x' },
  ],
  [
    'Replaced',
    'True PodReplaced',
    told({ replacement: { ...nothing, hasOtherPod: true, sandbox: storedSandbox({ status: ready }) } }),
    { podUID: 'x' },
  ],
  [
    'Replaced',
    'True NotWanted',
    told({ replacement: { ...nothing, sandbox: storedSandbox({ spec: { operatingMode: 'Suspended' } }) } }),
    { podUID: 'x' },
  ],
])('%s is %s', (type, expected, of, status) => {
  expect(said(type, of, status)).toBe(expected)
})

it('is over when the Pod is gone and something else serves', () => {
  expect(isOver(planConditions(quarantine(noted), told(), wallMs))).toBe(true)
  expect(isOver(planConditions(quarantine(noted), told({ pod: pod() }), wallMs))).toBe(false)
  expect(isOver(planConditions(quarantine(noted), told({ replacement: { ...nothing, claim } }), wallMs))).toBe(false)
})

it('names the Secrets that were in the Pod', () => {
  const spec = {
    containers: [{ name: 'main', env: [{ name: 'K', valueFrom: { secretKeyRef: { name: 'key', key: 'k' } } }] }],
    volumes: [{ name: 's', secret: { secretName: 'certificate' } }],
  }
  const { conditions } = planConditions(quarantine(noted), told({ pod: pod(spec) }), wallMs)
  expect(conditions?.find(({ type }) => type === 'TokensInvalidated')?.message).toContain('Secrets certificate, key')
})

describe('policies that allow the Pod something', () => {
  const policy = (spec: NetworkPolicy['spec']) => ({ metadata, spec }) as Stored<NetworkPolicy>
  const labels = { 'bulkhead.dev/quarantine': 'q-uid' }
  it.each<[boolean, NetworkPolicy['spec']]>([
    [true, { podSelector: {}, egress: [{}] }],
    [true, { podSelector: { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, ingress: [{}] }],
    [true, { podSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['x'] }] }, ingress: [{}] }],
    [false, { podSelector: {} }],
    [false, { podSelector: { matchLabels: { app: 'x' } }, egress: [{}] }],
    [false, { podSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] }, egress: [{}] }],
  ])('%s: %j', (expected, spec) => {
    expect(allowing([policy(spec)], labels).length === 1).toBe(expected)
  })
})

it.each([
  ['1h30m', 5_400_000],
  ['90s', 90_000],
  ['0s', 0],
  ['99h', 86_400_000],
  ['', 3_600_000],
  ['soon', 3_600_000],
  [undefined, 3_600_000],
])('keeps a Pod for %s: %s ms', (text, ms) => {
  expect(retentionMs(text)).toBe(ms)
})
