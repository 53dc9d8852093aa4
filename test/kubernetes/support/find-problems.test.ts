import { describe, expect, it } from 'vitest'
import { label, nameHash } from '../../../packages/kubernetes/src/api/index.ts'
import type { Stored } from '../../../packages/kubernetes/src/controller/index.ts'
import { type Expected, findProblems } from './find-problems.ts'
import type { Snapshot } from './snapshot.ts'

type Changeable = { [Kind in keyof Snapshot]: Loose[] }
// biome-ignore lint/suspicious/noExplicitAny: tests break what types promise
type Loose = any

const meta = (name: string, more: object = {}) => ({ namespace: 'x', name, uid: `uid-${name}`, generation: 1, ...more })
const ownedBy = (kind: string, name: string, group = 'agents.x-k8s.io') => ({
  ownerReferences: [{ apiVersion: `${group}/v1beta1`, kind, name, uid: `uid-${name}`, controller: true }],
})
const ready = (status = 'True') => ({ type: 'Ready', status, reason: 'DependenciesReady', observedGeneration: 1 })
const podStatus = { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], conditions: [{ type: 'Ready', status: 'True' }] }

const sandboxOf = (name: string, metadata: object = {}) => ({
  kind: 'Sandbox',
  metadata: meta(name, metadata),
  spec: { operatingMode: 'Running' },
  status: {
    conditions: [ready(), { type: 'Suspended', status: 'False' }],
    podIPs: ['10.0.0.1'],
    nodeName: 'node-1',
  },
})
const podOf = (name: string, labels: object = {}) => ({
  kind: 'Pod',
  metadata: meta(`${name}`, {
    ...ownedBy('Sandbox', name),
    labels: { [label.sandboxNameHash]: nameHash(name), ...labels },
  }),
  spec: { nodeName: 'node-1' },
  status: podStatus,
})

/** A claim with its Sandbox, a pool of one, and a Sandbox of nobody's. */
function sound(): Changeable {
  const inPool = { [label.warmPoolSandbox]: nameHash('pool') }
  return {
    claims: [
      {
        kind: 'SandboxClaim',
        metadata: meta('claim'),
        status: { conditions: [ready()], sandbox: { name: 'taken', podIPs: ['10.0.0.1'] } },
      },
    ],
    sandboxes: [
      sandboxOf('taken', { ...ownedBy('SandboxClaim', 'claim'), labels: { [label.claimUid]: 'uid-claim' } }),
      sandboxOf('member', { ...ownedBy('SandboxWarmPool', 'pool'), labels: inPool }),
      sandboxOf('free'),
    ],
    pools: [
      {
        kind: 'SandboxWarmPool',
        metadata: meta('pool'),
        spec: { replicas: 1 },
        status: {
          replicas: 1,
          readyReplicas: 1,
          observedGeneration: 1,
          selector: `${label.warmPoolSandbox}=${nameHash('pool')}`,
        },
      },
    ],
    templates: [{ kind: 'SandboxTemplate', metadata: meta('template'), spec: {} }],
    pods: [podOf('taken'), podOf('member', inPool), podOf('free')],
    services: [],
    volumeClaims: [],
    networkPolicies: [
      { kind: 'NetworkPolicy', metadata: meta('template-network-policy', ownedBy('SandboxTemplate', 'template')) },
    ],
  }
}

const problemsAfter = (change: (all: Changeable) => void, expected: Expected = {}) => {
  const all = sound()
  change(all)
  return findProblems(all as unknown as Snapshot, expected).join('\n')
}

describe('what is found wrong in a namespace', () => {
  it('is nothing when nothing is', () => {
    expect(problemsAfter(() => {}, { claims: ['claim'], sandboxes: ['free'] })).toBe('')
  })

  it.each<[string, (all: Changeable) => void, string]>([
    ['a Pod is missing', (all) => all.pods.pop(), 'Sandbox free: its Pods: 0'],
    ['a Sandbox has two Pods', (all) => all.pods.push({ ...podOf('free'), kind: 'Pod' }), 'Sandbox free: its Pods: 2'],
    ['a Pod outlived its Sandbox', (all) => all.sandboxes.pop(), 'Pod free is an orphan of Sandbox free'],
    [
      'something never ends',
      (all) => Object.assign(all.pods[0].metadata, { deletionTimestamp: 'now' }),
      'Pod taken is still being deleted',
    ],
    [
      'an address is old',
      (all) => {
        all.sandboxes[2].status.podIPs = ['10.9.9.9']
      },
      'Sandbox free: podIPs',
    ],
    [
      'a claim has an old address',
      (all) => {
        all.claims[0].status.sandbox.podIPs = []
      },
      'SandboxClaim claim: podIPs',
    ],
    [
      'a dead Pod passes for Ready',
      (all) => {
        all.pods[2].status = { ...podStatus, phase: 'Failed' }
      },
      'Sandbox free: whether its Pod is ready: false',
    ],
    [
      'a claim is not told',
      (all) => {
        all.claims[0].status.conditions = [ready('False')]
      },
      'SandboxClaim claim: Ready',
    ],
    [
      'a claim has no Sandbox',
      (all) => void delete all.sandboxes[0].metadata.ownerReferences,
      'SandboxClaim claim: its Sandboxes: []',
    ],
    [
      'two claims share one',
      (all) => all.claims.push({ ...all.claims[0], metadata: meta('other') }),
      'Sandbox taken is bound to claim and other',
    ],
    [
      'a pool is short',
      (all) => {
        all.pools[0].spec.replicas = 2
      },
      'SandboxWarmPool pool: its members: 1, and should be 2',
    ],
    [
      'a pool boasts',
      (all) => {
        all.pools[0].status.readyReplicas = 2
      },
      'SandboxWarmPool pool: readyReplicas',
    ],
    ['a policy is missing', (all) => all.networkPolicies.pop(), 'SandboxTemplate template: its NetworkPolicies'],
    [
      'status is of an older spec',
      (all) => {
        all.sandboxes[2].metadata.generation = 2
      },
      'the generation of Ready',
    ],
    [
      'a Pod is still called the pool’s',
      (all) => {
        all.pods[0].metadata.labels[label.warmPoolSandbox] = 'x'
      },
      'the pool label of its Pod',
    ],
    [
      'a suspended one runs',
      (all) => {
        all.sandboxes[2].spec.operatingMode = 'Suspended'
      },
      'Sandbox free: its Pods: 1, and should be 0',
    ],
    [
      'a Service is missing',
      (all) => {
        all.sandboxes[2].spec.service = true
      },
      'Sandbox free: its Services',
    ],
    [
      'a volume is missing',
      (all) => {
        all.sandboxes[2].spec.volumeClaimTemplates = [{ metadata: { name: 'data' } }]
      },
      'Sandbox free: its PVCs: []',
    ],
  ])('%s', (_, change, problem) => {
    expect(problemsAfter(change)).toContain(problem)
  })

  it('counts what was made and what was deleted', () => {
    const found = problemsAfter(() => {}, { claims: ['lost'], sandboxes: [] })
    expect(found).toContain('SandboxClaim lost is lost')
    expect(found).toContain('SandboxClaim claim should be gone')
    expect(found).toContain('Sandbox free should be gone')
  })

  it('leaves out what nothing is to be said about', () => {
    const change = (all: Changeable) => void all.sandboxes.push({ kind: 'Sandbox', metadata: meta('odd') } as Stored)
    expect(problemsAfter(change, { except: new Set(['odd']) })).toBe('')
  })
})
