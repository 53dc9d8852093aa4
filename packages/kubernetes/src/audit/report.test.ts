import { describe, expect, it } from 'vitest'
import type { Power, Reach } from './rbac-reach.ts'
import { audit } from './report.ts'
import { facts, pod } from './testing/facts.ts'

const options = { trustedNamespaces: new Set(['kube-system']), changes: 3 }
const on2 = { node: 'n2' }
const isolated = { runtimeClass: 'gvisor' }

describe('an audit', () => {
  it('says what falls together, node by node and tenant by tenant', () => {
    const report = audit(
      facts([
        pod('a', 'web'),
        pod('b', 'agent', isolated),
        pod('b', 'job', { ...isolated, ...on2 }),
        pod('kube-system', 'proxy', on2),
      ]),
      options
    )
    expect(report).toMatchObject({
      totals: { nodes: 2, pods: 4, tenants: 2, pending: 0, ownKernel: 2, bypassed: 0, sharing: 1 },
      maxBlastRadius: 2,
      unknownHandlers: [],
    })
    expect(report.kernels).toMatchObject([
      { name: 'n1', exposed: true, score: 50, bootId: 'boot-n1', radius: { pods: 2, tenants: ['a', 'b'] } },
      { name: 'n2', exposed: false, score: 100, radius: { pods: 2 } },
    ])
    expect(report.tenants).toMatchObject([
      { name: 'b', pods: 2, ownKernel: 2, score: 50, endangeredBy: { count: 1, first: ['a'] } },
      { name: 'a', score: 100, endangeredBy: { count: 0, first: [] } },
    ])
    expect(report.changes).toMatchObject([{ workload: 'a/Deployment/web', pods: 1 }])
  })

  it('finds nothing exposed where every suspect has a kernel of its own: its own falls with it', () => {
    const report = audit(facts([pod('a', 'x', isolated), pod('a', 'y', isolated)]), options)
    expect(report.maxBlastRadius).toBe(1)
    expect(report.changes).toEqual([])
  })

  it('does not take a handler it does not know for isolation', () => {
    const report = audit(facts([pod('a', 'x', { runtimeClass: 'mystery' }), pod('b', 'y', isolated)]), options)
    expect(report).toMatchObject({ maxBlastRadius: 2, unknownHandlers: ['frobnicate'], totals: { ownKernel: 1 } })
  })

  it('of an empty cluster is empty', () => {
    expect(audit(facts([], { nodes: [] }), options)).toMatchObject({
      maxBlastRadius: 0,
      expectedLoss: 0,
      kernels: [],
      tenants: [],
      nodesLost: [],
    })
  })

  it('lists what tokens open once, and not for every kernel they lie on', () => {
    const spaces = Array.from({ length: 30 }, (_, at): [string, Power[]] => [`t${at}`, ['read secrets']])
    const opens: Reach = { cluster: [], namespaces: new Map([...spaces, ['a', ['create pods']]]) }
    const reach = new Map([['a/sa', opens]])
    const bound = { serviceAccount: 'sa', hasToken: true }
    const report = audit(facts([pod('a', 'x', bound), pod('a', 'y', { ...bound, ...on2 })], { reach }), options)
    expect(report.kernels.map(({ radius }) => radius.serviceAccounts)).toEqual([['a/sa'], ['a/sa']])
    expect(report.accounts).toMatchObject([{ name: 'a/sa', cluster: [], furtherNamespaces: 11 }])
    expect(report.accounts[0]?.namespaces[0]).toEqual({ name: 'a', powers: ['create pods'] })
  })

  it('says of each answer of a pod what it means', () => {
    const pods = [
      pod('a', 'liar', isolated),
      pod('a', 'clone1', isolated),
      pod('a', 'clone2', isolated),
      pod('a', 'odd'),
      pod('a', 'plain'),
      pod('a', 'mute', isolated),
    ]
    const inside = new Map([
      ['a/liar', { bootId: 'boot-n1' }],
      ['a/clone1', { bootId: 'c' }],
      ['a/clone2', { bootId: 'c' }],
      ['a/odd', { bootId: 'o' }],
      ['a/plain', { bootId: 'boot-n1' }],
      ['a/mute', { silent: 'its image has no cat' }],
    ])
    expect(audit(facts(pods, { inside }), options)).toMatchObject({
      totals: { ownKernel: 3, sharing: 3 },
      probe: {
        answered: 5,
        pretending: [{ pod: 'a/liar', node: 'n1', runtimeClass: 'gvisor' }],
        alike: [{ bootId: 'c', pods: ['a/clone1', 'a/clone2'] }],
        unexpected: ['a/odd'],
        silent: [{ why: 'its image has no cat', pods: 1, first: ['a/mute'] }],
      },
    })
  })
})
