import type { ApiClient, KubernetesObject } from './api-client.ts'

/** As kwok's own documentation has it: pods that are to go there tolerate it, all others stay on nodes that exist. */
const taint = { key: 'kwok.x-k8s.io/node', value: 'fake', effect: 'NoSchedule' } as const
const resources = { cpu: '32', memory: '256Gi', pods: '110' } as const
/** Requests under way at a time. */
const width = 10

/** A node without a machine, which kwok takes care of. */
export const fakeNode = (name: string): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name,
    annotations: { 'kwok.x-k8s.io/node': 'fake', 'node.alpha.kubernetes.io/ttl': '0' },
    labels: {
      type: 'kwok',
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
    },
  },
  spec: { taints: [taint] },
  status: { capacity: resources, allocatable: resources },
})

/** Creates those that are not there. */
export async function createFakeNodes(api: ApiClient, names: readonly string[], signal: AbortSignal): Promise<void> {
  const waiting = [...names]
  const lane = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      await api.create('/api/v1/nodes', fakeNode(name), signal)
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
}
