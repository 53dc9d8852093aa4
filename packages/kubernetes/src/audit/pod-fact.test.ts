import { describe, expect, it } from 'vitest'
import type { AsJson, Pod, Stored } from '../controller/index.ts'
import { podFact } from './pod-fact.ts'

type Spec = Partial<AsJson<NonNullable<Pod['spec']>>>

const fact = (spec: Spec, more: object = {}) =>
  podFact({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'a', name: 'x', uid: 'u', resourceVersion: '1', ...more },
    spec: { containers: [{ name: 'main' }], ...spec },
  } as Stored<Pod>)
const owned = (kind: string, name: string, labels: object = {}) =>
  fact(
    {},
    {
      labels,
      ownerReferences: [
        { kind: 'Other', name: 'o' },
        { kind, name, controller: true },
      ],
    }
  ).workload

describe('the workload of a pod', () => {
  it('is what controls it, and a Deployment in place of its ReplicaSet', () => {
    expect(fact({}).workload).toBe('Pod/x')
    expect(owned('Sandbox', 's')).toBe('Sandbox/s')
    expect(owned('ReplicaSet', 'web-5d4f', { 'pod-template-hash': '5d4f' })).toBe('Deployment/web')
    expect(owned('ReplicaSet', 'bare')).toBe('ReplicaSet/bare')
  })
})

describe('the token of a pod', () => {
  const projected = (source: object): Spec => ({ volumes: [{ name: 't', projected: { sources: [source] } }] })

  it('is there when one is mounted, and not because its account would allow it', () => {
    expect(fact(projected({ serviceAccountToken: { path: 'token' } })).hasToken).toBe(true)
    expect(fact(projected({ configMap: { name: 'c' } })).hasToken).toBe(false)
    expect(fact({ automountServiceAccountToken: true }).hasToken).toBe(false)
  })
})

it('finds secrets wherever a pod can get them from', () => {
  const { secrets } = fact({
    volumes: [
      { name: 'a', secret: { secretName: 'mounted' } },
      { name: 'b', projected: { sources: [{ secret: { name: 'projected' } }] } },
      { name: 'c', csi: { driver: 'd', nodePublishSecretRef: { name: 'driver' } } },
    ],
    initContainers: [{ name: 'i', envFrom: [{ secretRef: { name: 'all' } }] }],
    containers: [{ name: 'main', env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 'one', key: 'k' } } }] }],
  })
  expect(secrets).toEqual(['all', 'driver', 'mounted', 'one', 'projected'])
})

it('tells folders of the node that can be written to from those that can be read', () => {
  const { hostPaths } = fact({
    volumes: [
      { name: 'r', hostPath: { path: '/read' } },
      { name: 'w', hostPath: { path: '/write' } },
      { name: 'n', hostPath: { path: '/nobody' } },
    ],
    containers: [
      {
        name: 'main',
        volumeMounts: [
          { name: 'r', mountPath: '/r', readOnly: true },
          { name: 'w', mountPath: '/w', readOnly: true },
        ],
      },
    ],
    initContainers: [{ name: 'i', volumeMounts: [{ name: 'w', mountPath: '/w' }] }],
  })
  expect(hostPaths).toEqual([
    { path: '/read', writable: false },
    { path: '/write', writable: true },
    { path: '/nobody', writable: false },
  ])
})

it('finds rights over the node in every kind of container', () => {
  expect(fact({ hostPID: true, hostNetwork: true }).hostNamespaces).toEqual(['network', 'pid'])
  expect(fact({ initContainers: [{ name: 'i', securityContext: { privileged: true } }] }).privileged).toBe(true)
  const debugging = { ephemeralContainers: [{ name: 'd', securityContext: { privileged: true } }] }
  expect(fact(debugging).privileged).toBe(true)
  const add = ['cap_sys_admin', 'BPF', 'NET_BIND_SERVICE']
  const { capabilities } = fact({ containers: [{ name: 'main', securityContext: { capabilities: { add } } }] })
  expect(capabilities).toEqual(['BPF', 'SYS_ADMIN'])
})
