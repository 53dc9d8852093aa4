import type { Lease, Node, Pod, RuntimeClass, Stored } from '@bulkhead/kubernetes/controller'
import { definitions } from '@bulkhead/kubernetes/manifests'
import { describe, expect, it } from 'vitest'
import { operatorNeeds } from './access.ts'
import { clusterChecks } from './cluster-checks.ts'
import type { ClusterFacts, Deployment } from './cluster-facts.ts'

const now = new Date('2026-01-01T00:01:00Z')
const namespace = 'agent-sandbox-system'
const name = 'agent-sandbox-controller'

const definitionsAs = (change: (definition: object) => object | undefined = (same) => same) =>
  new Map(
    definitions.map((definition) => {
      const served = { ...definition, status: { conditions: [{ type: 'Established', status: 'True' }] } }
      return [definition.metadata.name, change(served)]
    })
  ) as ClusterFacts['definitions']
const deployment = (more: object = {}, spec: object = {}, status: object = { readyReplicas: 1 }) =>
  ({
    metadata: { name, namespace, labels: { 'app.kubernetes.io/part-of': 'bulkhead' }, ...more },
    spec: { replicas: 1, template: { spec: { containers: [{ args: [] }] } }, ...spec },
    status,
  }) as unknown as Stored<Deployment>
const lease = (holderIdentity: string | undefined, renewTime = '2026-01-01T00:00:55Z', where = namespace) =>
  ({
    metadata: { namespace: where },
    spec: { ...(holderIdentity && { holderIdentity }), renewTime, leaseDurationSeconds: 15 },
  }) as unknown as Stored<Lease>
const pod = { metadata: { name: `${name}-abc`, namespace } } as unknown as Stored<Pod>
const node = (...handlers: string[]) =>
  ({ status: { runtimeHandlers: handlers.map((handler) => ({ name: handler })) } }) as unknown as Node
const runtimeClass = (of: string, handler: string) => ({ metadata: { name: of }, handler }) as RuntimeClass

const healthy: ClusterFacts = {
  version: { major: '1', minor: '36', gitVersion: 'v1.36.3' },
  namespace,
  definitions: definitionsAs(),
  runtimeClasses: [runtimeClass('gvisor', 'runsc')],
  nodes: [node('runc', 'runsc'), node('runc')],
  deployments: [deployment()],
  pods: [pod],
  leases: [lease(`${name}-abc_1`)],
  access: { asked: 3, denied: [] },
  now,
}
const checked = (change: Partial<ClusterFacts>) => clusterChecks({ ...healthy, ...change })
const find = (change: Partial<ClusterFacts>, check: string) => checked(change).find((found) => found.name === check)

it('finds nothing wrong where nothing is', () => {
  expect(checked({}).filter(({ state }) => state !== 'ok')).toEqual([])
  expect(find({}, 'runtimeclass.gvisor')?.found).toBe('handler runsc, on 1 of 2 nodes')
})

it('names a fix for whatever fails', () => {
  const nothing: Partial<ClusterFacts> = {
    version: { major: '1', minor: '24', gitVersion: 'v1.24.0' },
    definitions: definitionsAs(() => undefined),
    deployments: [],
    leases: [],
    runtimeClasses: [],
    access: { asked: 1, denied: operatorNeeds(namespace).slice(0, 1) },
  }
  const failed = checked(nothing).filter(({ state }) => state === 'fail')
  expect(failed.map((check) => check.name)).toEqual([
    'version',
    ...['sandboxes', 'sandboxtemplates', 'sandboxclaims', 'sandboxwarmpools', 'nodewitnesses'].map(
      (plural) => `kinds.${plural}`
    ),
    'operator',
    'operator.permissions',
  ])
  for (const { fix, consequence } of failed) expect([fix, consequence]).not.toContain(undefined)
})

it('says what it may not see, and fails nothing for that', () => {
  const hidden = {
    definitions: 'hidden',
    runtimeClasses: 'hidden',
    nodes: 'hidden',
    deployments: 'hidden',
    pods: 'hidden',
    leases: 'hidden',
    access: 'hidden',
  } as const
  const states = checked(hidden).filter((check) => check.name !== 'version')
  expect(new Set(states.map(({ state }) => state))).toEqual(new Set(['warn']))
})

describe('the kinds', () => {
  it.each([
    [
      'of somebody else',
      { spec: { ...definitions[0]?.spec, versions: [{ name: 'v1beta1', schema: {} }] } },
      'warn',
      /another controller/,
    ],
    [
      'converted by a webhook',
      { spec: { ...definitions[0]?.spec, conversion: { strategy: 'Webhook' } } },
      'fail',
      /webhook/,
    ],
    ['stored in an older version', { status: { storedVersions: ['v1alpha1', 'v1beta1'] } }, 'warn', /v1alpha1$/],
    [
      'not served',
      { status: { conditions: [{ type: 'Established', status: 'False', message: 'names clash' }] } },
      'fail',
      /names clash/,
    ],
  ] as const)('%s', (_, change, state, found) => {
    const check = find(
      { definitions: definitionsAs((definition) => ({ ...definition, ...change })) },
      'kinds.sandboxes'
    )
    expect(check).toMatchObject({ state, found: expect.stringMatching(found) })
  })
})

describe('isolation', () => {
  it('is missing without a RuntimeClass that is known to isolate', () => {
    expect(find({ runtimeClasses: [runtimeClass('runc', 'runc')] }, 'isolation')).toMatchObject({ state: 'warn' })
  })

  it('is missing when no node has the handler', () => {
    const change = { nodes: [node('runc')] }
    expect(find(change, 'isolation')).toMatchObject({ state: 'warn' })
    expect(find(change, 'runtimeclass.gvisor')).toMatchObject({
      state: 'warn',
      found: 'handler runsc, which no node has',
    })
  })

  it('is believed where nodes do not say what they have', () => {
    const change = { nodes: [node()] }
    expect(find(change, 'isolation')).toMatchObject({ state: 'ok' })
    expect(find(change, 'runtimeclass.gvisor')).toMatchObject({ state: 'warn' })
  })

  it.each([
    ['gvisor', 'ok'],
    ['runc', 'warn'],
    ['gone', 'fail'],
  ])('by default, with %s: %s', (wanted, state) => {
    const containers = [{ args: ['--extensions', `--default-runtime-class=${wanted}`] }]
    const change = {
      runtimeClasses: [runtimeClass('gvisor', 'runsc'), runtimeClass('runc', 'runc')],
      deployments: [deployment({}, { template: { spec: { containers } } })],
    }
    expect(find(change, 'isolation.default')?.state).toBe(state)
  })
})

describe('the operator', () => {
  it('that does not start says why', () => {
    const waiting = { ...pod, status: { containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff' } } }] } }
    const change = { deployments: [deployment({}, {}, {})], pods: [waiting as unknown as Stored<Pod>] }
    expect(find(change, 'operator')).toMatchObject({ state: 'fail', found: 'none of 1 ready: ImagePullBackOff' })
  })

  it('was turned off', () => {
    const change = { deployments: [deployment({}, { replicas: 0 }, {})] }
    expect(find(change, 'operator')).toMatchObject({ fix: expect.stringContaining('--replicas=1') })
  })

  it.each([
    ['in the same namespace', { labels: {} }],
    ['in another namespace', { namespace: 'elsewhere', labels: {} }],
  ])('is not alone: another controller %s', (_, metadata) => {
    expect(find({ deployments: [deployment(), deployment(metadata)] }, 'operator.other')).toMatchObject({
      state: 'fail',
    })
  })

  it('is alone when another one is turned off', () => {
    expect(
      find({ deployments: [deployment(), deployment({ namespace: 'b' }, { replicas: 0 })] }, 'operator.other')
    ).toBeUndefined()
  })

  it.each([
    ['one of its Pods', [lease(`${name}-abc_1`)], 'ok'],
    ['somebody else', [lease('agent-sandbox-controller-xyz_2')], 'fail'],
    ['somebody else who is gone', [lease('agent-sandbox-controller-xyz_2', '2026-01-01T00:00:00Z')], 'warn'],
    ['nobody', [lease(undefined)], 'warn'],
    ['nobody ever', [], 'warn'],
    ['somebody elsewhere', [lease('other', undefined, 'elsewhere')], 'warn'],
  ])('is led by %s', (_, leases, state) => {
    expect(find({ leases }, 'operator.leader')?.state).toBe(state)
  })

  it('may not do what it has to', () => {
    const denied = operatorNeeds(namespace).filter(({ subresource }) => subresource === 'finalizers')
    const check = find({ access: { asked: 50, denied } }, 'operator.permissions')
    expect(check).toMatchObject({
      state: 'fail',
      found: expect.stringMatching(/^may not update sandboxes\.agents\.x-k8s\.io\/finalizers, /),
      consequence: expect.stringContaining('OwnerReferencesPermissionEnforcement'),
    })
  })
})

it('asks about every verb on every resource, where it is needed', () => {
  const needs = operatorNeeds('ns')
  expect(needs).toContainEqual(
    expect.objectContaining({ verb: 'patch', group: 'agents.x-k8s.io', resource: 'sandboxes', subresource: 'status' })
  )
  const lease = { verb: 'update', resource: 'leases', namespace: 'ns', name: 'a3317529.agent-sandbox.x-k8s.io' }
  expect(needs).toContainEqual(expect.objectContaining(lease))
  expect(needs.filter(({ resource, namespace: of }) => resource !== 'leases' && of)).toEqual([])
})
