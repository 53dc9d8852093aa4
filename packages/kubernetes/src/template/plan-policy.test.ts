import { describe, expect, it } from 'vitest'
import { type SandboxTemplate, sandboxTemplates } from '../api/index.ts'
import { controllerReference, type NetworkPolicy, type OwnerReference, type Stored } from '../controller/index.ts'
import type { Holder } from './holders.ts'
import { type NetworkPolicySpec, policySpecOf, selectorOf } from './network-policy.ts'
import { holderCount, type PolicyState, planPolicy } from './plan-policy.ts'

const stored = (kind: string, name: string, uid: string) => ({
  apiVersion: 'v1',
  kind,
  metadata: { namespace: 'ns', name, uid, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
})
const template = (uid = 't1', deletionTimestamp?: string): Stored<SandboxTemplate> => {
  const object = stored('SandboxTemplate', 'python', uid)
  return {
    ...object,
    metadata: { ...object.metadata, ...(deletionTimestamp && { deletionTimestamp }) },
    spec: { podTemplate: { spec: { containers: [] } } },
  }
}
const wanted = policySpecOf(template(), { routerNamespace: 'routers' }) as NetworkPolicySpec
const policy = (ownerReferences: OwnerReference[], spec: NetworkPolicySpec = wanted): Stored<NetworkPolicy> => {
  const object = stored('NetworkPolicy', 'python-network-policy', 'p1')
  return { ...object, metadata: { ...object.metadata, ownerReferences }, spec }
}
const byTemplate = controllerReference(sandboxTemplates, template())
const sandbox = (name: string): OwnerReference => ({
  apiVersion: 'agents.x-k8s.io/v1beta1',
  kind: 'Sandbox',
  name,
  uid: `s-${name}`,
})
const pod = (name: string): OwnerReference => ({ apiVersion: 'v1', kind: 'Pod', name, uid: `p-${name}` })
const holder = (name: string): Holder => ({ owners: [sandbox(name), pod(name)], hasPod: true, ends: false })
const leftPod = (name: string): Holder => ({ owners: [pod(name)], hasPod: true, ends: true })
const gone = ({ uid }: OwnerReference) => ({ $patch: 'delete', uid })

const state = (some: Partial<PolicyState>): PolicyState => ({
  namespace: 'ns',
  name: 'python',
  template: template(),
  policy: undefined,
  wanted,
  holders: [],
  ...some,
})
const change = (owners: object[], spec?: object) => ({
  kind: 'change',
  body: { metadata: { uid: 'p1', ...(owners.length > 0 && { ownerReferences: owners }) }, ...(spec && { spec }) },
})
const replaced = { $patch: 'replace', ...wanted }
const other: NetworkPolicySpec = { podSelector: {} }
const deleting = template('t1', '2026-01-01T00:00:01Z')
const many = Array.from({ length: 60 }, (_, at) => holder(`many-${at}`))

describe('planPolicy', () => {
  it.each<[string, Partial<PolicyState>, object]>([
    [
      'makes it',
      {},
      {
        kind: 'create',
        policy: { metadata: expect.objectContaining({ ownerReferences: [byTemplate] }), spec: wanted },
      },
    ],
    ['is content with it', { policy: policy([byTemplate]) }, { kind: 'nothing' }],
    ['repairs it', { policy: policy([byTemplate], other) }, change([], replaced)],
    [
      'waits while it is on its way out',
      {
        policy: {
          ...policy([byTemplate], other),
          metadata: { ...policy([byTemplate]).metadata, deletionTimestamp: 'now' },
        },
      },
      { kind: 'nothing' },
    ],
    ['deletes what is managed no more', { policy: policy([byTemplate]), wanted: undefined }, { kind: 'delete' }],
    ['has nothing to delete', { wanted: undefined }, { kind: 'nothing' }],
    ['leaves one without an owner', { policy: policy([]) }, { kind: 'foreign', owner: undefined }],
    [
      'leaves one without an owner that is managed no more',
      { policy: policy([]), wanted: undefined },
      { kind: 'foreign', owner: undefined },
    ],
    [
      'leaves one of another kind',
      { policy: policy([{ ...byTemplate, kind: 'Deployment' }]) },
      { kind: 'foreign', owner: { ...byTemplate, kind: 'Deployment' } },
    ],
    [
      'leaves one of another template',
      { policy: policy([{ ...byTemplate, name: 'other' }]) },
      { kind: 'foreign', owner: { ...byTemplate, name: 'other' } },
    ],
    [
      'leaves one that Sandboxes own for another reason',
      { policy: policy([sandbox('a')], other) },
      { kind: 'foreign', owner: undefined },
    ],
    [
      'knows an owner of another version',
      { policy: policy([{ ...byTemplate, apiVersion: 'extensions.agents.x-k8s.io/v1alpha1' }]) },
      { kind: 'nothing' },
    ],
    [
      'takes over from a template of the same name',
      { policy: policy([{ ...byTemplate, uid: 't0' }]) },
      change([byTemplate, gone({ ...byTemplate, uid: 't0' })]),
    ],
    ['takes over from Sandboxes', { policy: policy([sandbox('a')]) }, change([byTemplate])],

    [
      'adds holders with their Pods',
      { policy: policy([byTemplate]), holders: [holder('a')] },
      change([sandbox('a'), pod('a')]),
    ],
    [
      'adds no more than it needs',
      { policy: policy([byTemplate]), holders: ['a', 'b', 'c', 'd'].map(holder) },
      change(['a', 'b', 'c'].flatMap((name) => [sandbox(name), pod(name)])),
    ],
    [
      'adds none while there are enough',
      {
        policy: policy([byTemplate, ...holder('a').owners, ...holder('b').owners]),
        holders: ['a', 'b', 'c'].map(holder),
      },
      { kind: 'nothing' },
    ],
    [
      'does not count what ended',
      {
        policy: policy([byTemplate, sandbox('x'), pod('x'), ...holder('a').owners]),
        holders: ['a', 'b', 'c'].map(holder),
      },
      change(['b', 'c'].flatMap((name) => [sandbox(name), pod(name)])),
    ],
    [
      'does not count on what ends',
      { policy: policy([byTemplate, pod('x')]), holders: [leftPod('x'), holder('a')] },
      change([sandbox('a'), pod('a')]),
    ],
    [
      'prefers those with something to protect',
      {
        policy: policy([byTemplate]),
        holders: [
          ...['a', 'b', 'c'].map((name) => ({ owners: [sandbox(name)], hasPod: false, ends: false })),
          holder('z'),
        ],
      },
      change([sandbox('z'), pod('z'), sandbox('a'), sandbox('b')]),
    ],

    [
      'lets it go with its template when there is nobody',
      { template: undefined, policy: policy([byTemplate]) },
      { kind: 'nothing' },
    ],
    [
      'gives it to all when its template is gone',
      {
        template: undefined,
        policy: policy([byTemplate, ...holder('a').owners]),
        holders: [holder('a'), holder('b'), leftPod('c')],
      },
      change([sandbox('b'), pod('b'), pod('c'), gone(byTemplate)]),
    ],
    [
      'gives it to all when its template is on its way out',
      { template: deleting, policy: policy([byTemplate]), holders: [holder('a')] },
      change([sandbox('a'), pod('a'), gone(byTemplate)]),
    ],
    [
      'gives it to a Pod that came later',
      { template: undefined, policy: policy([sandbox('a'), pod('old')]), holders: [holder('a')] },
      change([pod('a')]),
    ],
    [
      'is content when all hold it',
      { template: undefined, policy: policy([...holder('a').owners, pod('old')]), holders: [holder('a')] },
      { kind: 'nothing' },
    ],
    [
      'does not judge its rules any more',
      {
        template: undefined,
        policy: policy([...holder('a').owners], { podSelector: selectorOf('python') }),
        holders: [holder('a')],
      },
      { kind: 'nothing' },
    ],
    [
      'makes it anew for those that run',
      { template: undefined, holders: [holder('a')] },
      {
        kind: 'create',
        policy: { metadata: expect.objectContaining({ ownerReferences: holder('a').owners }), spec: wanted },
      },
    ],
    ['makes none for a template on its way out', { template: deleting }, { kind: 'nothing' }],
    [
      'makes none when nobody knows its rules',
      { template: undefined, wanted: undefined, holders: [holder('a')] },
      { kind: 'nothing' },
    ],
    [
      'leaves somebody else’s',
      { template: undefined, policy: policy([]), holders: [holder('a')] },
      { kind: 'nothing' },
    ],
    [
      'keeps it as small as it may be',
      {
        template: undefined,
        policy: policy(many.slice(0, holderCount.alone.low).flatMap(({ owners }) => owners)),
        holders: many,
      },
      { kind: 'nothing' },
    ],
  ])('%s', (_, some, plan) => {
    expect(planPolicy(state(some))).toEqual(plan)
  })

  it('gives it to as many as it may when its template is gone', () => {
    const plan = planPolicy(state({ template: undefined, policy: policy([byTemplate]), holders: many }))
    expect(plan.kind === 'change' && plan.body).toMatchObject({
      metadata: { ownerReferences: { length: 2 * holderCount.alone.wanted + 1 } },
    })
  })
})
