import { describe, expect, it } from 'vitest'
import { type Quarantine, type QuarantineStatus, quarantineLabel } from '../api/index.ts'
import type { NetworkPolicy, Pod, Stored } from '../controller/index.ts'
import { controllerRef, storedSandbox } from '../sandbox/testing/stored-sandbox.ts'
import { policyFor } from './network-policy.ts'
import { type Observed, planQuarantine } from './plan-quarantine.ts'

/** Of no matter to what is tested. */
const kind = { apiVersion: 'v1', kind: 'Kind' }
const wallMs = Date.parse('2026-01-01T00:00:00Z')
const quarantine = (status?: QuarantineStatus, spec: Partial<Quarantine['spec']> = {}): Stored<Quarantine> => ({
  ...kind,
  metadata: { namespace: 'ns', name: 'q', uid: 'q-uid', resourceVersion: '1', creationTimestamp: '' },
  spec: { sandboxRef: { name: 'my-sandbox' }, retention: '1h', ...spec },
  ...(status && { status }),
})
const pod = (metadata: Partial<Stored<Pod>['metadata']> = {}): Stored<Pod> => ({
  ...kind,
  metadata: {
    namespace: 'ns',
    name: 'my-sandbox',
    uid: 'pod-uid',
    resourceVersion: '7',
    creationTimestamp: '',
    labels: { app: 'x', 'agents.x-k8s.io/sandbox-name-hash': '0' },
    ownerReferences: [controllerRef('Sandbox', 'my-sandbox', 'sandbox-uid')],
    ...metadata,
  },
})
const ref = { apiVersion: 'bulkhead.dev/v1alpha1', kind: 'Quarantine', name: 'q', uid: 'q-uid', controller: true }
const held = (metadata = {}) => pod({ labels: { [quarantineLabel]: 'q-uid' }, ownerReferences: [ref], ...metadata })
const ofClaim = storedSandbox({
  metadata: { ownerReferences: [controllerRef('SandboxClaim', 'c', 'c-uid', 'extensions.agents.x-k8s.io/v1beta1')] },
})
const ofPool = storedSandbox({
  metadata: { ownerReferences: [controllerRef('SandboxWarmPool', 'p', 'p-uid', 'extensions.agents.x-k8s.io/v1beta1')] },
})
const policy = {
  ...policyFor(quarantine(), pod()),
  metadata: { ...pod().metadata, name: 'bulkhead-quarantine-q-uid' },
} as Stored<NetworkPolicy>

const noted: QuarantineStatus = {
  sandboxUID: 'sandbox-uid',
  podName: 'my-sandbox',
  podUID: 'pod-uid',
  claimName: 'c',
  startedAt: '2026-01-01T00:00:00Z',
  endsAt: '2026-01-01T01:00:00Z',
}
const { claimName: _, ...unclaimed } = noted
const world = (observed: Partial<Observed>): Observed => ({
  sandbox: undefined,
  pod: undefined,
  policy: undefined,
  ...observed,
})

describe('first it is noted', () => {
  const note = (observed: Partial<Observed>, spec = {}) =>
    planQuarantine(quarantine(undefined, spec), world(observed), wallMs)

  it('which Pod, of which Sandbox, of which claim, and until when', () => {
    expect(note({ sandbox: ofClaim, pod: pod() })).toEqual({ kind: 'note', status: noted })
  })
  it('that nothing is there', () => {
    const { startedAt, endsAt } = noted
    expect(note({})).toEqual({ kind: 'note', status: { startedAt, endsAt } })
  })
  it('nothing of a Sandbox that has only the name', () => {
    expect(
      note({ sandbox: ofClaim, pod: pod() }, { sandboxRef: { name: 'my-sandbox', uid: 'other' } })
    ).not.toMatchObject({ status: { podUID: 'pod-uid' } })
  })
  it('nothing of a Pod that is somebody else’s', () => {
    expect(note({ sandbox: ofClaim, pod: pod({ ownerReferences: [] }) })).not.toMatchObject({
      status: { podUID: 'pod-uid' },
    })
  })
})

describe('then, one after the other', () => {
  const next = (observed: Partial<Observed>, status: QuarantineStatus = noted, atMs = wallMs) =>
    planQuarantine(quarantine(status), world(observed), atMs)

  it('a policy is there before the Pod gets the label', () => {
    expect(next({ sandbox: ofClaim, pod: pod() })).toMatchObject({
      kind: 'cut',
      policy: {
        spec: { policyTypes: ['Ingress', 'Egress'] },
        metadata: { ownerReferences: [{ kind: 'Pod', uid: 'pod-uid' }] },
      },
    })
  })
  it('the Pod loses its labels and its owner, and gets ours', () => {
    expect(next({ sandbox: ofClaim, pod: pod(), policy })).toMatchObject({
      kind: 'hold',
      body: {
        metadata: {
          uid: 'pod-uid',
          resourceVersion: '7',
          labels: { app: null, 'agents.x-k8s.io/sandbox-name-hash': null, [quarantineLabel]: 'q-uid' },
          ownerReferences: [{ kind: 'Quarantine', uid: 'q-uid' }],
        },
      },
    })
  })
  it.each([
    ['a claim', ofClaim, noted],
    ['a pool', ofPool, unclaimed],
  ])('the Sandbox of %s goes', (_of, sandbox, status) => {
    expect(next({ sandbox, pod: held(), policy }, status)).toMatchObject({ kind: 'discard', sandbox })
  })
  it('of a claim that took it only now, the name first', () => {
    expect(next({ sandbox: ofClaim, pod: held(), policy }, unclaimed)).toEqual({ kind: 'note', status: noted })
  })
  it('a Sandbox that stands by itself stays', () => {
    expect(next({ sandbox: storedSandbox(), pod: held(), policy }, unclaimed)).toEqual({
      kind: 'rest',
      untilMs: wallMs + 3_600_000,
    })
  })
  it('another Sandbox of that name stays', () => {
    const sandbox = storedSandbox({ metadata: { ...ofClaim.metadata, uid: 'new' } })
    expect(next({ sandbox, pod: held(), policy })).toMatchObject({ kind: 'rest' })
  })
  it('the Pod is killed when its time has come, once', () => {
    const later = wallMs + 3_600_000
    expect(next({ pod: held(), policy }, noted, later)).toMatchObject({ kind: 'kill' })
    expect(next({ pod: held({ deletionTimestamp: 'now' }), policy }, noted, later)).toEqual({
      kind: 'rest',
      untilMs: undefined,
    })
    expect(next({}, noted, later)).toEqual({ kind: 'rest', untilMs: undefined })
  })
})

describe('what somebody undoes is done again', () => {
  const next = (observed: Partial<Observed>) => planQuarantine(quarantine(noted), world(observed), wallMs)

  it.each([
    ['labels added', held({ labels: { [quarantineLabel]: 'q-uid', app: 'x' } })],
    ['the label gone', held({ labels: {} })],
    ['another owner', held({ ownerReferences: [controllerRef('Sandbox', 'x', 'x')] })],
  ])('%s', (_what, changed) => {
    expect(next({ pod: changed, policy })).toMatchObject({ kind: 'hold' })
  })
  it('a policy that allows something', () => {
    const opened = { ...policy, spec: { ...policy.spec, egress: [{}] } } as Stored<NetworkPolicy>
    expect(next({ pod: held(), policy: opened })).toMatchObject({ kind: 'mendCut', body: { spec: { egress: null } } })
  })
  it('but not for another Pod of that name', () => {
    expect(next({ pod: pod({ uid: 'new' }) })).toEqual({ kind: 'rest', untilMs: undefined })
  })
})
