import { describe, expect, it } from 'vitest'
import { blastRadiusOf } from './blast-radius.ts'
import type { ClusterFacts, PodFact } from './facts.ts'
import { classOfHandler } from './kernel-class.ts'
import { type Kernel, kernelsOf, placePods } from './kernels.ts'
import { RbacReach } from './rbac-reach.ts'
import { facts, pod } from './testing/facts.ts'

const options = { trustedNamespaces: new Set(['kube-system']) }
const kernels = (pods: readonly PodFact[], more: Partial<ClusterFacts> = {}): Kernel[] => {
  const all = facts(pods, more)
  return kernelsOf(placePods(all, options), all.nodes)
}
const names = (pods: readonly PodFact[] | undefined) => pods?.map(({ name }) => name)

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
    const [node, own, ...none] = kernels(pods)
    expect(none).toEqual([])
    expect(node).toMatchObject({ id: 'node/n1', exposed: true })
    expect(names(node?.attackers)).toEqual(['plain', 'posing', 'odd', 'gone'])
    expect(names(node?.takes)).toEqual(['plain', 'posing', 'isolated', 'odd', 'gone'])
    expect(own).toMatchObject({ id: 'pod/b/isolated', kernel: 'userspace', exposed: true })
  })

  it('are not exposed by the machinery of the cluster', () => {
    const [node] = kernels([pod('kube-system', 'proxy'), pod('a', 'x', { runtimeClass: 'gvisor' })])
    expect(node).toMatchObject({ exposed: false })
  })
})

describe('a kernel of its own', () => {
  it.each([
    ['a writable folder of the node', { hostPaths: [{ path: '/', writable: true }] }, false],
    ['a folder that it can only read', { hostPaths: [{ path: '/etc/ssl', writable: false }] }, true],
    ['a privileged container', { privileged: true }, false],
    ['the network of the node', { hostNamespaces: ['network'] }, true],
  ])('and %s', (_what, more, contained) => {
    const [node, alone] = kernels([pod('a', 'x', { runtimeClass: 'gvisor', ...more })])
    expect(node?.exposed).toBe(!contained)
    expect(names(node?.attackers)).toEqual(contained ? [] : ['x'])
    expect(alone?.kernel).toBe('userspace')
  })

  it('is not there when the inside has the boot id of a node', () => {
    const pods = [pod('a', 'liar', { runtimeClass: 'gvisor' }), pod('a', 'honest', { runtimeClass: 'gvisor' })]
    const inside = new Map([
      ['a/liar', { bootId: 'boot-n2' }],
      ['a/honest', { bootId: 'another' }],
    ])
    const [node, ...own] = kernels(pods, { inside })
    expect(names(node?.attackers)).toEqual(['liar'])
    expect(own.map(({ id }) => id)).toEqual(['pod/a/honest'])
  })

  it('is not made by an answer', () => {
    const inside = new Map([['a/x', { bootId: 'another' }]])
    expect(kernels([pod('a', 'x')], { inside })).toMatchObject([{ id: 'node/n1', exposed: true }])
  })
})

describe('nodes with one boot id', () => {
  it('are one kernel', () => {
    const nodes = ['n2', 'n1', 'n3', 'n4'].map((name) => ({
      name,
      kernelVersion: '',
      bootId: name > 'n2' ? '' : 'same',
    }))
    const pods = ['n1', 'n2', 'n3', 'n4'].map((node) => pod('a', node, { node }))
    expect(kernels(pods, { nodes }).map(({ id, nodes: on, takes }) => [id, on, names(takes)])).toEqual([
      ['node/n1', ['n1', 'n2'], ['n1', 'n2']],
      ['node/n3', ['n3'], ['n3']],
      ['node/n4', ['n4'], ['n4']],
    ])
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
    const [node] = kernels([
      pod('a', 'x', {
        serviceAccount: 'sa',
        hasToken: true,
        secrets: ['s'],
        hostPaths: [{ path: '/var', writable: false }],
      }),
      pod('b', 'y', { privileged: true, hasToken: true }),
      pod('b', 'z', { serviceAccount: 'boss', hasToken: false }),
    ])
    expect(node && blastRadiusOf(node, reach)).toEqual({
      pods: 3,
      tenants: ['a', 'b'],
      serviceAccounts: ['a/sa', 'b/default'],
      worstPower: undefined,
      secrets: ['a/s'],
      privileged: ['b/y'],
      hostAccess: ['a/x', 'b/y'],
    })
  })

  it('names the worst power over the whole cluster', () => {
    const [node] = kernels([pod('b', 'z', { serviceAccount: 'boss', hasToken: true })])
    const radius = node && blastRadiusOf(node, reach)
    expect(radius?.worstPower).toBe('cluster-admin')
    expect(radius?.serviceAccounts).toEqual(['b/boss'])
  })
})
