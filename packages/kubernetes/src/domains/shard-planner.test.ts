import { expect, it } from 'vitest'
import type { Node, Stored } from '../controller/index.ts'
import { zoneLabel } from './fleet.ts'
import { nodesOfPod, placed } from './placed.ts'
import { type FailureDomains, type Planned, ShardPlanner } from './shard-planner.ts'

const node = (name: string, labels: Record<string, string> = {}, spec: Node['spec'] = {}): Stored<Node> => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels, uid: name, resourceVersion: '1', creationTimestamp: '' },
  spec,
})
const podSpec = { containers: [{ name: 'main', image: 'i' }] }

/** A cluster of ten nodes in two zones, and the shards planned in it so far: each a Pod that waits. */
function cluster(domains: FailureDomains) {
  const nodes = new Map(
    Array.from({ length: 10 }, (_, at) => [`n${at}`, node(`n${at}`, { [zoneLabel]: `z${at % 2}` })])
  )
  const waiting: { namespace: string; nodes: readonly string[] }[] = []
  const planner = new ShardPlanner({
    nodes: { list: () => [...nodes.values()], get: (name) => nodes.get(name) },
    runtimeClass: () => undefined,
    uidOf: (namespace) => (namespace === 'unknown' ? undefined : `uid of ${namespace}`),
    tenantsOn: (name) => waiting.filter((pod) => pod.nodes.includes(name)).map(({ namespace }) => namespace),
  })
  const plan = (namespace: string, spec = {}): Planned => {
    const planned = planner.plan({ namespace, spec: { ...podSpec, ...spec } }, domains)
    if (planned.kind === 'placed')
      waiting.push({ namespace, nodes: nodesOfPod(placed({ ...podSpec, ...spec }, planned.placement)) })
    return planned
  }
  const change = (changed: Stored<Node>) => {
    const old = nodes.get(changed.metadata.name)
    nodes.set(changed.metadata.name, changed)
    planner.noteNode(old ? { type: 'updated', object: changed, old } : { type: 'added', object: changed })
  }
  return { plan, change, nodes: (planned: Planned) => (planned.kind === 'placed' ? planned.placement.nodes : []) }
}

it('leaves a Pod to the scheduler where no shards are asked for', () => {
  expect(cluster({ tenantsPerNode: 1 }).plan('a')).toEqual({ kind: 'anywhere' })
})

it('gives all Pods of a tenant the same nodes, in both zones', () => {
  const { plan, nodes } = cluster({ shardSize: 4 })
  const first = plan('a')
  expect(nodes(first)).toHaveLength(4)
  expect(plan('a')).toEqual(first)
  const zones = nodes(first).map((name) => Number(name.slice(1)) % 2)
  expect(zones.filter((zone) => zone === 0)).toHaveLength(2)
})

it('keeps a node that is down, and replaces one that is cordoned', () => {
  const { plan, change, nodes } = cluster({ shardSize: 4 })
  const before = nodes(plan('a'))
  const [down = '', cordoned = ''] = before
  change(
    node(
      down,
      { [zoneLabel]: `z${Number(down.slice(1)) % 2}` },
      { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }
    )
  )
  expect(nodes(plan('a'))).toEqual(before)
  change(node(cordoned, { [zoneLabel]: `z${Number(cordoned.slice(1)) % 2}` }, { unschedulable: true }))
  const after = nodes(plan('a'))
  expect(after).toHaveLength(4)
  expect(before.filter((name) => !after.includes(name))).toEqual([cordoned])
})

it('knows nodes that come', () => {
  const { plan, change, nodes } = cluster({ shardSize: 12 })
  expect(nodes(plan('a'))).toHaveLength(10)
  change(node('new', { [zoneLabel]: 'z0' }))
  expect(nodes(plan('a'))).toHaveLength(11)
})

it('lets no more tenants onto a node than may be, and says so when there is none left', () => {
  const { plan, nodes } = cluster({ shardSize: 4, tenantsPerNode: 1 })
  const taken = [nodes(plan('a')), nodes(plan('b'))]
  expect(new Set(taken.flat()).size).toBe(8)
  expect(nodes(plan('c'))).toHaveLength(2)
  expect(nodes(plan('a'))).toEqual(taken[0])
  expect(plan('d')).toEqual({
    kind: 'nowhere',
    why: 'no node of 10 can hold the Pod and has fewer than 1 other tenants',
  })
})

it('waits for a namespace that it has not heard of', () => {
  expect(cluster({ shardSize: 4 }).plan('unknown')).toMatchObject({ kind: 'nowhere' })
})

it('looks for nodes that fit the Pod', () => {
  const { plan, change, nodes } = cluster({ shardSize: 2 })
  change(node('gpu', { gpu: 'yes', [zoneLabel]: 'z0' }))
  expect(nodes(plan('a', { nodeSelector: { gpu: 'yes' } }))).toEqual(['gpu'])
  expect(plan('a', { nodeSelector: { gpu: 'no' } })).toMatchObject({ kind: 'nowhere' })
})
