import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { placed } from '../../packages/kubernetes/src/domains/index.ts'
import { busyboxImage, openCluster, type TestCluster, whyNotHere } from '../../tools/cluster/test-cluster.ts'

const minutes = 60_000
const reason = await whyNotHere(AbortSignal.timeout(minutes))
if (reason) process.stderr.write(`test/kubernetes is skipped, because ${reason}\n`)

const containers = [{ name: 'main', image: busyboxImage, command: ['sleep', '3600'] }]

/** What the scheduler and the kubelet make of what a Pod says about its shard. */
describe.skipIf(reason !== undefined)('a Pod that is bound to a shard', () => {
  let cluster: TestCluster
  let nodes: string[]
  beforeAll(async () => {
    cluster = await openCluster({ nodes: 1, fakeNodes: 8 }, AbortSignal.timeout(30 * minutes))
    nodes = JSON.parse(await cluster.kubectl('get', 'nodes', '-o', 'json'))
      .items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)
      .filter((name: string) => !cluster.nodes.includes(name))
  }, 30 * minutes)
  afterAll(async () => cluster?.[Symbol.asyncDispose](), 2 * minutes)

  const pod = (name: string, shard: readonly string[], spec = {}) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { 'agents.x-k8s.io/sandbox-name-hash': '0' } },
    spec: placed(
      { containers, terminationGracePeriodSeconds: 0, tolerations: [{ operator: 'Exists' }], ...spec },
      { nodes: shard, spread: ['topology.kubernetes.io/zone'] }
    ),
  })
  const create = (items: object[]) =>
    cluster.kubectlInput(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }), 'create', '-f', '-')

  it('comes to its nodes only, spread over all of them', async () => {
    const shard = nodes.slice(0, 4)
    await create(Array.from({ length: 20 }, (_, at) => pod(`many-${at}`, shard)))
    await cluster.kubectl('wait', 'pod', '--all', '--for=condition=PodScheduled', '--timeout=60s')
    const { items } = JSON.parse(await cluster.kubectl('get', 'pods', '-o', 'json'))
    const counts = Map.groupBy(items as { spec: { nodeName: string } }[], ({ spec }) => spec.nodeName)
    expect([...counts.keys()].sort()).toEqual(shard.toSorted())
    // The scheduler weighs the spread against other wishes.
    for (const { length } of counts.values()) expect(length).toBeLessThanOrEqual(8)
  })

  it('is refused by the kubelet of another node that it names', async () => {
    const [elsewhere = ''] = cluster.nodes
    await create([pod('forced', nodes.slice(0, 4), { nodeName: elsewhere })])
    await cluster.kubectl('wait', 'pod/forced', '--for=jsonpath={.status.phase}=Failed', '--timeout=60s')
    expect(await cluster.kubectl('get', 'pod', 'forced', '-o', 'jsonpath={.status.reason}')).toBe('NodeAffinity')
  })
})
