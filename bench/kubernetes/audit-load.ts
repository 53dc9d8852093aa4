import { setTimeout as sleep } from 'node:timers/promises'
import {
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
} from '../../packages/kubernetes/src/audit/audited-types.ts'
import {
  type KubernetesObject,
  type Node,
  namespaces,
  nodes,
  type Pod,
  pods,
  type ResourceType,
  resourceType,
} from '../../packages/kubernetes/src/controller/index.ts'
import { fakeNode } from '../../tools/cluster/fake-nodes.ts'
import type { BenchCluster } from './bench-cluster.ts'

export const auditSize = { nodes: 500, pods: 5000, tenants: 50, rbac: 2000 } as const

const label = 'bulkhead.test/bench'
const rbac = 'apis/rbac.authorization.k8s.io/v1'
const labels = { [label]: 'audit' }
/** Creations under way at once. */
const width = 32
const runningWithinMs = 180_000
const lookEveryMs = 500

const serviceAccounts = resourceType({
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
})
const times = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))
const tenants = times(auditSize.tenants, (at) => `bench-audit-${at}`)
const tenantOf = (at: number): string => tenants[at % tenants.length] as string

/** A cluster worth auditing: tenants that share nodes, a third of it isolated, accounts with rights. It is gone when its disposal has resolved. */
export async function openAuditLoad({ client, kubectl, signal }: BenchCluster): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack()
  undo.defer(async () => {
    // What is left of an interrupted run goes with the cluster.
    if (signal.aborted) return
    await kubectl('delete', 'namespaces', '-l', label, '--wait', '--timeout=500s')
    // All of a kind in one request.
    for (const collection of ['api/v1/nodes', `${rbac}/clusterroles`, `${rbac}/clusterrolebindings`])
      await kubectl('delete', '--raw', `/${collection}?labelSelector=${encodeURIComponent(label)}`)
  })
  const createAll = async <T extends KubernetesObject>(type: ResourceType<T>, objects: readonly T[]) => {
    const waiting = objects.values()
    const lane = async () => {
      for (const object of waiting) {
        const metadata = { ...object.metadata, labels: { ...object.metadata?.labels, ...labels } }
        await client.create(type, { ...object, metadata }, { signal })
      }
    }
    await Promise.all(times(width, lane))
  }
  const there = await client.list(nodes, { signal })
  const more = times(auditSize.nodes - there.items.length, (at) => fakeNode(`audit-${at}`) as Node)
  await createAll(nodes, more)
  await createAll(
    namespaces,
    tenants.map((name) => ({ metadata: { name } }))
  )
  await createAll(
    serviceAccounts,
    tenants.map((namespace) => ({ metadata: { namespace, name: 'worker' } }))
  )
  const each = auditSize.rbac / 4
  await createAll(
    clusterRoles,
    times(each, (at) => ({ metadata: { name: name(at) }, rules: rules(at) }))
  )
  await createAll(
    clusterRoleBindings,
    times(each, (at) => ({ metadata: { name: name(at) }, ...bound('ClusterRole', at) }))
  )
  await createAll(
    roles,
    times(each, (at) => ({ metadata: { namespace: tenantOf(at), name: name(at) }, rules: rules(at) }))
  )
  await createAll(
    roleBindings,
    times(each, (at) => ({ metadata: { namespace: tenantOf(at + 7), name: name(at) }, ...bound('ClusterRole', at) }))
  )
  const on = [...there.items, ...more].filter(({ metadata }) => metadata?.labels?.type === 'kwok')
  await createAll(
    pods,
    times(auditSize.pods, (at) => pod(at, on[(at * 7) % on.length]?.metadata?.name ?? ''))
  )
  await untilRunning(() => client.list(pods, { fieldSelector: 'status.phase=Pending', limit: 1, signal }))
  return undo.move()
}

const name = (at: number): string => `bench-audit-${at}`
const rules = (at: number) => [
  { apiGroups: [''], resources: ['configmaps', 'services', 'endpoints'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: at % 3 === 0 ? ['*'] : ['get'] },
  { apiGroups: [''], resources: [at % 5 === 0 ? 'secrets' : 'pods'], verbs: ['get', 'list'] },
]
const bound = (kind: string, at: number) => ({
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: name(at) },
  subjects: [{ kind: 'ServiceAccount', namespace: tenantOf(at), name: at % 2 === 0 ? 'worker' : 'another' }],
})

/** On a node that kwok plays, past the scheduler; as large as pods are that people write. */
const pod = (at: number, nodeName: string): Pod => ({
  metadata: {
    namespace: tenantOf(at),
    name: `workload-${at}`,
    labels: { 'app.kubernetes.io/name': 'workload', 'app.kubernetes.io/instance': `workload-${at % 900}` },
    annotations: {
      'bulkhead.test/about': 'a line or two that some controller has left here about what it did to the pod',
    },
  },
  spec: {
    nodeName,
    serviceAccountName: 'worker',
    ...(at % 3 === 0 && { runtimeClassName: 'gvisor' }),
    tolerations: [{ operator: 'Exists' }],
    terminationGracePeriodSeconds: 0,
    volumes: [
      { name: 'secret', secret: { secretName: `secret-${at % 40}` } },
      { name: 'scratch', emptyDir: {} },
      ...(at % 50 === 0 ? [{ name: 'logs', hostPath: { path: '/var/log' } }] : []),
    ],
    containers: times(2, (container) => ({
      name: `main-${container}`,
      image: `registry.bulkhead.test/team/service-${at % 90}:1.${container}`,
      env: times(8, (variable) => ({ name: `VARIABLE_${variable}`, value: `some-value-of-it-${variable}` })),
      resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
      volumeMounts: [
        { name: 'secret', mountPath: '/secret', readOnly: true },
        { name: 'scratch', mountPath: '/scratch' },
      ],
      securityContext: { privileged: at % 500 === 0, ...(at % 500 !== 0 && { allowPrivilegeEscalation: false }) },
    })),
  },
})

async function untilRunning(pending: () => Promise<{ readonly items: readonly unknown[] }>): Promise<void> {
  const deadlineMs = performance.now() + runningWithinMs
  while ((await pending()).items.length > 0) {
    if (performance.now() > deadlineMs) throw new Error(`pods are pending after ${runningWithinMs / 1000} s`)
    await sleep(lookEveryMs)
  }
}
