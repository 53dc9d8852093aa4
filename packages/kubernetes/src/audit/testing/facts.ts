import type { ClusterFacts, PlacedPod, PodFact } from '../facts.ts'

/** A pod that has nothing of note, on the node `n1`. */
export const pod = (namespace: string, name: string, more: Partial<PodFact> = {}): PodFact => ({
  namespace,
  name,
  node: 'n1',
  workload: `Deployment/${name}`,
  serviceAccount: 'default',
  hasToken: false,
  secrets: [],
  hostPaths: [],
  privileged: false,
  capabilities: [],
  hostNamespaces: [],
  ...more,
})

/** The same, on the kernel of a node. */
export const placed = (node: string, workload: string, more: Partial<PlacedPod> = {}): PlacedPod => ({
  ...pod('a', `${workload}-${node}`, { workload }),
  node,
  nodeKernel: node,
  kernel: 'shared',
  trusted: false,
  contained: false,
  ...more,
})

/** What makes a placed pod one with a kernel of its own. */
export const own = { kernel: 'userspace', contained: true } as const

/** Two nodes, and RuntimeClasses of every sort. */
export const facts = (pods: readonly PodFact[], more: Partial<ClusterFacts> = {}): ClusterFacts => ({
  pods,
  nodes: ['n1', 'n2'].map((name) => ({ name, kernelVersion: '6.1', bootId: `boot-${name}` })),
  handlers: new Map([
    ['gvisor', 'runsc'],
    ['posing', 'runc'],
    ['mystery', 'frobnicate'],
  ]),
  reach: new Map(),
  missing: [],
  ...more,
})
