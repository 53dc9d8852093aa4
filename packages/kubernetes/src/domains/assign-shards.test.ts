import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignShards, type Tenant } from './assign-shards.ts'
import { fleetOf, zoneLabel } from './fleet.ts'

const fleet = (count: number, without?: string) =>
  fleetOf(
    Array.from({ length: count }, (_, at) => ({ name: `n${at}`, labels: { [zoneLabel]: `z${at % 3}` } })).filter(
      ({ name }) => name !== without
    )
  )
const tenants = (count: number): Tenant[] => Array.from({ length: count }, (_, at) => ({ name: `t${at}`, sinceMs: at }))

const mostOnANode = (shards: ReturnType<typeof assignShards>): number =>
  Math.max(
    0,
    ...[
      ...Map.groupBy(
        [...shards.values()].flatMap(({ nodes }) => nodes),
        (name) => name
      ).values(),
    ].map(({ length }) => length)
  )

it('goes by the key, not the name: nobody who chooses a name chooses its nodes', () => {
  const [shard] = assignShards([{ name: 'a', key: 'uid' }], fleet(30), { shardSize: 4 }).values()
  expect(assignShards([{ name: 'b', key: 'uid' }], fleet(30), { shardSize: 4 }).get('b')).toEqual(shard)
  expect(assignShards([{ name: 'a' }], fleet(30), { shardSize: 4 }).get('a')).not.toEqual(shard)
})

describe('a limit of tenants a node', () => {
  it('holds, whatever is asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 5 }),
        (nodes, count, shardSize, tenantsPerNode) => {
          const shards = assignShards(tenants(count), fleet(nodes), { shardSize, tenantsPerNode })
          expect(shards.size).toBe(count)
          expect(mostOnANode(shards)).toBeLessThanOrEqual(tenantsPerNode)
          for (const { nodes, missing } of shards.values()) {
            expect(nodes.length + missing).toBe(shardSize)
            expect(new Set(nodes).size).toBe(nodes.length)
          }
        }
      )
    )
  })

  it('gives the youngest too little, then nothing, when there is not room for all', () => {
    const shards = assignShards(tenants(11), fleet(10), { shardSize: 2, tenantsPerNode: 2 })
    const missing = [...shards.values()].map((shard) => shard.missing)
    expect(missing.slice(0, 8)).toEqual(Array(8).fill(0))
    expect(missing.at(-1)).toBe(2)
  })

  it('lets a new tenant move nobody', () => {
    const settings = { shardSize: 4, tenantsPerNode: 3 }
    const before = assignShards(tenants(60), fleet(100), settings)
    const after = assignShards(tenants(61), fleet(100), settings)
    for (const [name, shard] of before) expect(after.get(name)).toEqual(shard)
  })

  it('moves few when a node goes', () => {
    const settings = { shardSize: 4, tenantsPerNode: 5 }
    const before = assignShards(tenants(100), fleet(100), settings)
    const after = assignShards(tenants(100), fleet(100, 'n7'), settings)
    const moved = [...before].flatMap(([name, { nodes }]) =>
      (after.get(name)?.nodes ?? []).filter((node) => !nodes.includes(node))
    )
    // Of 400 places, those on the node, and of younger tenants those that these take.
    expect(moved.length).toBeGreaterThan(0)
    expect(moved.length).toBeLessThan(40)
  })
})
