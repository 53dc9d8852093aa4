import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isolationPolicies, sandboxes } from '../src/api/index.ts'
import { type ApiClient, findCondition, mergePatch, nodes, pods } from '../src/controller/index.ts'
import { nodesOfPod } from '../src/domains/index.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { installKinds } from './support/install-kinds.ts'
import { createNamespace, createPolicy, createRuntimeClasses, image } from './support/isolation-world.ts'
import { spawnOperator } from './support/operator-process.ts'

const tenants = ['a', 'b', 'c'] as const
const nodeNames = Array.from({ length: 6 }, (_, at) => `node-${at}`)

describe.skipIf(skipped())('failure domains of an IsolationPolicy', () => {
  let plane: ControlPlane
  let client: ApiClient
  const undo = new AsyncDisposableStack()

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    client = undo.use(await plane.client()).client
    await installKinds(client)
    await createRuntimeClasses(client)
    for (const [at, name] of nodeNames.entries()) {
      await client.create(nodes, { metadata: { name, labels: { 'topology.kubernetes.io/zone': `zone-${at % 2}` } } })
      await client.patch(nodes, { name }, mergePatch({ spec: { taints: null } }))
    }
    for (const name of [...tenants, 'late']) await createNamespace(client, name, { agents: 'yes' })
    await createNamespace(client, 'elsewhere')
    await createPolicy(client, 'agents', {
      namespaceSelector: { matchLabels: { agents: 'yes' } },
      defaultRuntimeClassName: 'gvisor',
      failureDomains: { shardSize: 2, tenantsPerNode: 1 },
    })
    const operator = undo.use(spawnOperator(plane, ['--extensions', '--isolation']))
    await operator.says('controller.started')
  })
  afterAll(() => undo.disposeAsync())

  const create = (namespace: string, name: string) =>
    client.create(sandboxes, {
      metadata: { namespace, name },
      spec: { podTemplate: { spec: { runtimeClassName: 'gvisor', containers: [{ name: 'main', image }] } } },
    })
  const shardOf = async (namespace: string, name: string) => {
    const podOf = () => client.get(pods, { namespace, name }).catch(() => undefined)
    await expect.poll(podOf).toBeDefined()
    return nodesOfPod((await podOf())?.spec ?? { containers: [] }).toSorted()
  }

  it('gives each tenant its own nodes, in both zones, and all its Sandboxes the same', async () => {
    const shards: string[] = []
    for (const tenant of tenants) {
      await create(tenant, 'first')
      const shard = await shardOf(tenant, 'first')
      expect(new Set(shard.map((name) => Number(name.slice(-1)) % 2)).size).toBe(2)
      await create(tenant, 'second')
      expect(await shardOf(tenant, 'second')).toEqual(shard)
      shards.push(...shard)
    }
    expect(shards.sort()).toEqual(nodeNames)
  })

  it('makes no Pod for which there is no room, says why, and makes it when the policy no longer asks for that', async () => {
    await create('late', 'waits')
    const ready = async () =>
      findCondition((await client.get(sandboxes, { namespace: 'late', name: 'waits' })).status?.conditions, 'Ready')
    await expect
      .poll(ready)
      .toMatchObject({ status: 'False', message: expect.stringContaining('no node of 6 can hold the Pod') })
    const patch = mergePatch({ spec: { failureDomains: null } })
    await client.patch(isolationPolicies, { name: 'agents' }, patch)
    // It would look by itself, in two minutes at most.
    await client.patch(sandboxes, { namespace: 'late', name: 'waits' }, mergePatch({ spec: { service: true } }))
    expect(await shardOf('late', 'waits')).toEqual([])
  })

  it('leaves other namespaces alone', async () => {
    await create('elsewhere', 'anywhere')
    expect(await shardOf('elsewhere', 'anywhere')).toEqual([])
  })
})
