import { audit, type ClusterFacts, type PodFact } from '@bulkhead/kubernetes/audit'
import { describe, expect, it } from 'vitest'
import { renderAudit } from './audit.ts'

const pod = (name: string, more: Partial<PodFact> = {}): PodFact => ({
  namespace: 'a',
  name,
  node: 'n1',
  workload: `Pod/${name}`,
  serviceAccount: 'default',
  hasToken: false,
  secrets: [],
  hostPaths: [],
  privileged: false,
  capabilities: [],
  hostNamespaces: [],
  ...more,
})
const render = (pods: readonly PodFact[], more: Partial<ClusterFacts> = {}, terminal = true): string => {
  const facts = { pods, nodes: [], handlers: new Map([['gvisor', 'runsc']]), reach: new Map(), missing: [], ...more }
  return renderAudit(audit(facts, { trustedNamespaces: new Set(['kube-system']), changes: 5 }), { terminal })
}

describe('an audit, for people', () => {
  it('tells what is wrong, and what could not be seen', () => {
    const text = render(
      [pod('x'), pod('y', { runtimeClass: 'gone' }), pod('p', { runtimeClass: 'gvisor', privileged: true })],
      {
        missing: [
          { what: 'rbac', why: '403', consequence: 'what stolen tokens open is not known', understates: false },
        ],
        inside: new Map([
          ['a/p', { bootId: 'of-the-node' }],
          ['a/x', { silent: 'its image has no cat' }],
        ]),
        nodes: ['n1', 'n2'].map((name) => ({ name, kernelVersion: '6', bootId: 'of-the-node' })),
      }
    )
    for (const line of [
      '3 pods of 1 tenant on 2 nodes: 0 with a kernel of their own, 3 on that of their node',
      'not seen: rbac: what stolen tokens open is not known (403)',
      'one kernel: n1, n2 tell the same boot id, and are judged as one',
      'RuntimeClass gone was not seen: counted as shared',
      'pretending: a/p has RuntimeClass gvisor, and runs on the kernel of n1',
      'no answer: 1 pod, a/x for one: its image has no cat',
    ])
      expect(text).toContain(`${line}\n`)
    expect(text).toMatch(/^n1 \+1 +yes +3 +1 /m)
  })

  it('is not steered by names', () => {
    const hostile = '\u001b[2J\n\u202eevil'
    const text = render(
      [
        pod(hostile, {
          namespace: hostile,
          node: hostile,
          workload: hostile,
          hostPaths: [{ path: hostile, writable: true }],
        }),
        pod('neighbour', { node: hostile }),
        pod('z', { runtimeClass: hostile, node: hostile }),
      ],
      {
        missing: [{ what: 'rbac', why: hostile, consequence: '', understates: false }],
        inside: new Map([['a/z', { silent: hostile }]]),
      }
    )
    expect(text).toContain('evil')
    expect(text).not.toContain('\u001b')
    expect(text).not.toMatch(/\u202e|^evil/m)
  })

  it('to a pipe is tables with tabs, and says what it leaves out', () => {
    const text = render(
      Array.from({ length: 30 }, (_, at) => pod(`p${at}`, { node: `n${at}` })),
      {},
      false
    )
    expect(text).toContain('n0\tyes\t1\t1\t0\t0\t-\t0\n')
    expect(text).not.toContain('EXPOSED')
    expect(text).toContain('and 10 more: see --json\n')
  })
})
