import { describe, expect, it } from 'vitest'
import { blastRadiusOf } from './blast-radius.ts'
import type { ClusterFacts, PodFact } from './facts.ts'
import { classOfHandler } from './kernel-class.ts'
import { kernelsOf, placePods } from './kernels.ts'
import { RbacReach } from './rbac-reach.ts'

const pod = (namespace: string, name: string, more: Partial<PodFact> = {}): PodFact => ({
  namespace,
  name,
  node: 'n1',
  workload: `Pod/${name}`,
  serviceAccount: 'default',
  hasToken: true,
  secrets: [],
  hostPaths: [],
  privileged: false,
  hostNamespaces: [],
  ...more,
})
const facts = (pods: PodFact[]): ClusterFacts => ({
  pods,
  nodes: [],
  handlers: new Map([
    ['gvisor', 'runsc'],
    ['posing', 'runc'],
    ['mystery', 'frobnicate'],
  ]),
  reach: new Map(),
})
const options = { trustedNamespaces: new Set(['kube-system']) }

describe('the class of a handler', () => {
  it.each([
    ['runsc', 'userspace'],
    ['kata-qemu', 'hardware'],
    ['runc', 'shared'],
    ['nvidia', 'shared'],
    ['runcible', 'unknown'],
    [undefined, 'shared'],
  ])('%s is %s', (handler, kernel) => expect(classOfHandler(handler)).toBe(kernel))

  it('is what the user says', () => {
    const overrides = new Map([['frobnicate', 'hardware'] as const])
    expect(classOfHandler('frobnicate', { overrides })).toBe('hardware')
  })
})

describe('kernels', () => {
  it('are one a node, and one for each pod that has its own', () => {
    const pods = [
      pod('a', 'plain'),
      pod('b', 'posing', { runtimeClass: 'posing' }),
      pod('b', 'isolated', { runtimeClass: 'gvisor' }),
      pod('b', 'odd', { runtimeClass: 'mystery' }),
      pod('b', 'gone', { runtimeClass: 'deleted' }),
      pod('b', 'waiting', { runtimeClass: 'gvisor' }),
    ].map((one) => (one.name === 'waiting' ? (({ node: _, ...rest }) => rest)(one) : one))
    const [node, own, ...none] = kernelsOf(placePods(facts(pods), options))
    expect(none).toEqual([])
    expect(node).toMatchObject({ id: 'node/n1', exposed: true })
    expect(node?.runs.map(({ name }) => name)).toEqual(['plain', 'posing', 'odd', 'gone'])
    expect(node?.takes.map(({ name }) => name)).toEqual(['plain', 'posing', 'isolated', 'odd', 'gone'])
    expect(own).toMatchObject({ id: 'pod/b/isolated', kernel: 'userspace', exposed: true })
  })

  it('are not exposed by the machinery of the cluster', () => {
    const [node] = kernelsOf(
      placePods(facts([pod('kube-system', 'proxy'), pod('a', 'x', { runtimeClass: 'gvisor' })]), options)
    )
    expect(node).toMatchObject({ exposed: false })
  })
})

describe('the blast radius', () => {
  const reader = { verbs: ['get'], apiGroups: [''], resources: ['secrets'] }
  const rbac = new RbacReach(
    new Map([
      ['ClusterRole/cluster-admin', [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]],
      ['Role/a/reader', [reader]],
      ['ClusterRole/one', [{ ...reader, resourceNames: ['only-this'] }]],
      ['ClusterRole/exec', [{ verbs: ['create'], apiGroups: [''], resources: ['pods/exec'] }]],
    ]),
    [
      { namespace: 'a', role: { kind: 'Role', name: 'reader' }, subjects: [{ kind: 'ServiceAccount', name: 'sa' }] },
      { role: { kind: 'ClusterRole', name: 'one' }, subjects: [{ kind: 'Group', name: 'system:serviceaccounts' }] },
      {
        namespace: 'c',
        role: { kind: 'ClusterRole', name: 'exec' },
        subjects: [{ kind: 'Group', name: 'system:serviceaccounts:b' }],
      },
      {
        role: { kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'ServiceAccount', namespace: 'b', name: 'boss' }],
      },
    ]
  )
  const reach = new Map(
    ['a/sa', 'b/boss', 'b/default'].map((name) => [name, rbac.of(...(name.split('/') as [string, string]))])
  )

  it('has the tenants, tokens with what they open, secrets, and ways to the node', () => {
    const [node] = kernelsOf(
      placePods(
        facts([
          pod('a', 'x', { serviceAccount: 'sa', secrets: ['s'], hostPaths: ['/var'] }),
          pod('b', 'y', { privileged: true }),
          pod('b', 'z', { serviceAccount: 'boss', hasToken: false }),
        ]),
        options
      )
    )
    expect(node && blastRadiusOf(node, reach)).toEqual({
      pods: 3,
      tenants: ['a', 'b'],
      serviceAccounts: [
        { name: 'a/sa', powers: ['read secrets in a'] },
        { name: 'b/default', powers: ['run in pods in c', 'change objects in c'] },
      ],
      worstPower: undefined,
      secrets: ['a/s'],
      privileged: ['b/y'],
      hostAccess: ['a/x', 'b/y'],
    })
  })

  it('names the worst power over the whole cluster', () => {
    const [node] = kernelsOf(placePods(facts([pod('b', 'z', { serviceAccount: 'boss' })]), options))
    const radius = node && blastRadiusOf(node, reach)
    expect(radius?.worstPower).toBe('cluster-admin')
    expect(radius?.serviceAccounts).toEqual([{ name: 'b/boss', powers: ['cluster-admin'] }])
  })
})
