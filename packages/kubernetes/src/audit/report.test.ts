import { describe, expect, it } from 'vitest'
import type { ClusterFacts, PodFact } from './facts.ts'
import { audit } from './report.ts'

const pod = (namespace: string, name: string, node: string, more: Partial<PodFact> = {}): PodFact => ({
  namespace,
  name,
  node,
  workload: `Deployment/${name}`,
  serviceAccount: 'default',
  hasToken: false,
  secrets: [],
  hostPaths: [],
  privileged: false,
  hostNamespaces: [],
  ...more,
})
const facts = (...pods: PodFact[]): ClusterFacts => ({
  pods,
  nodes: ['n1', 'n2'].map((name) => ({ name, kernelVersion: '6.1', bootId: `boot-${name}` })),
  handlers: new Map([
    ['gvisor', 'runsc'],
    ['mystery', 'frobnicate'],
  ]),
  reach: new Map(),
})
const options = { trustedNamespaces: new Set(['kube-system']), changes: 3 }
const isolated = { runtimeClass: 'gvisor' }

describe('an audit', () => {
  it('says what falls together, node by node and tenant by tenant', () => {
    const report = audit(
      facts(
        pod('a', 'web', 'n1'),
        pod('b', 'agent', 'n1', isolated),
        pod('b', 'job', 'n2', isolated),
        pod('kube-system', 'proxy', 'n2')
      ),
      options
    )
    expect(report).toMatchObject({
      totals: { nodes: 2, pods: 4, tenants: 3, ownKernel: 2, sharing: 1 },
      maxBlastRadius: 2,
      unknownHandlers: [],
    })
    expect(report.nodes).toMatchObject([
      { name: 'n1', exposed: true, score: 50, bootId: 'boot-n1', radius: { pods: 2, tenants: ['a', 'b'] } },
      { name: 'n2', exposed: false, score: 100, radius: { pods: 2 } },
    ])
    expect(report.tenants).toMatchObject([
      { name: 'b', pods: 2, ownKernel: 2, score: 50, endangeredBy: ['a'] },
      { name: 'a', score: 100, endangeredBy: [] },
      { name: 'kube-system', score: 100 },
    ])
    expect(report.changes).toMatchObject([{ workload: 'a/Deployment/web', pods: 1 }])
  })

  it('finds nothing exposed where every suspect has a kernel of its own: its own falls with it', () => {
    const report = audit(facts(pod('a', 'x', 'n1', isolated), pod('a', 'y', 'n1', isolated)), options)
    expect(report.maxBlastRadius).toBe(1)
    expect(report.changes).toEqual([])
  })

  it('does not take a handler it does not know for isolation', () => {
    const report = audit(
      facts(pod('a', 'x', 'n1', { runtimeClass: 'mystery' }), pod('b', 'y', 'n1', isolated)),
      options
    )
    expect(report).toMatchObject({ maxBlastRadius: 2, unknownHandlers: ['frobnicate'], totals: { ownKernel: 1 } })
  })

  it('of an empty cluster is empty', () => {
    expect(audit({ ...facts(), nodes: [] }, options)).toMatchObject({
      maxBlastRadius: 0,
      expectedLoss: 0,
      nodes: [],
      tenants: [],
    })
  })
})
