import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseShard } from './choose-shard.ts'
import { type FleetNode, fleetOf, zoneLabel } from './fleet.ts'
import { digestOf } from './rendezvous.ts'

const node = (name: string, zone: string, labels: Record<string, string> = {}): FleetNode => ({
  name,
  labels: { [zoneLabel]: zone, ...labels },
})

/** `n0`, `n1`, … in zones `z0`, `z1`, … in turn. */
const nodesIn = (zones: number, count: number): FleetNode[] =>
  Array.from({ length: count }, (_, at) => node(`n${at}`, `z${at % zones}`))

const shard = (tenant: string, nodes: readonly FleetNode[], size: number, spread?: string[]): string[] => {
  const fleet = fleetOf(nodes, spread)
  return chooseShard(digestOf('tenant', tenant), fleet, size).map((at) => fleet.names[at] as string)
}

const countBy = (names: readonly string[], nodes: readonly FleetNode[], key: string): number[] => {
  const labelOf = new Map(nodes.map(({ name, labels }) => [name, labels?.[key]]))
  return [...Map.groupBy(names, (name) => labelOf.get(name)).values()].map(({ length }) => length).sort()
}

const tenants = Array.from({ length: 200 }, (_, at) => `t${at}`)

describe('a shard', () => {
  it('is the same for the same tenant and nodes, in whatever order they come', () => {
    const nodes = nodesIn(3, 50)
    for (const tenant of tenants) expect(shard(tenant, nodes.toReversed(), 4)).toEqual(shard(tenant, nodes, 4))
  })

  it.each([
    { zones: 3, size: 4, shares: [1, 1, 2], or: [2, 2] },
    { zones: 3, size: 6, shares: [2, 2, 2] },
    { zones: 2, size: 3, shares: [1, 2] },
    { zones: 1, size: 3, shares: [3] },
    { zones: 9, size: 3, shares: [1, 1, 1] },
  ])('of $size nodes has no more than its share of each of $zones zones', ({ zones, size, shares, or }) => {
    const nodes = nodesIn(zones, 60)
    for (const tenant of tenants)
      expect([shares, or]).toContainEqual(countBy(shard(tenant, nodes, size), nodes, zoneLabel))
  })

  it('takes more of a zone than its share rather than fewer nodes than it should have', () => {
    const nodes = [node('a', 'small'), ...Array.from({ length: 9 }, (_, at) => node(`b${at}`, 'large'))]
    for (const tenant of tenants) {
      expect(shard(tenant, nodes, 4)).toHaveLength(4)
      expect(countBy(shard(tenant, nodes, 4), nodes, zoneLabel)).toEqual([1, 3])
    }
  })

  it.each([0, 1, 3, 4])('is all of %s nodes when it should have 4', (count) => {
    expect(shard('t', nodesIn(2, count), 4)).toHaveLength(count)
  })

  it('is spread over nested domains at once', () => {
    const rack = 'example.com/rack'
    const nodes = Array.from({ length: 48 }, (_, at) => node(`n${at}`, `z${at % 2}`, { [rack]: `r${at % 8}` }))
    for (const tenant of tenants) {
      const names = shard(tenant, nodes, 4, [zoneLabel, rack])
      expect(countBy(names, nodes, zoneLabel)).toEqual([2, 2])
      expect(countBy(names, nodes, rack)).toEqual([1, 1, 1, 1])
    }
  })

  it('has only open nodes', () => {
    const fleet = fleetOf(nodesIn(3, 300))
    const open = (at: number) => at % 50 === 0
    const chosen = chooseShard(digestOf('tenant', 't'), fleet, 4, open)
    expect(chosen).toHaveLength(4)
    expect(chosen.every(open)).toBe(true)
  })
})

describe('property', () => {
  // As many nodes in each zone as a shard could want there, so that no share has to be widened.
  const world = fc
    .record({ zones: fc.integer({ min: 1, max: 5 }), perZone: fc.integer({ min: 2, max: 30 }), tenant: fc.string() })
    .chain(({ zones, perZone, tenant }) =>
      fc.record({
        nodes: fc.constant(nodesIn(zones, zones * perZone)),
        tenant: fc.constant(tenant),
        size: fc.integer({ min: 1, max: zones * (perZone - 1) }),
        which: fc.nat({ max: zones * perZone - 1 }),
      })
    )

  it('a node that goes is replaced by one, and matters to nobody else', () => {
    fc.assert(
      fc.property(world, ({ nodes, tenant, size, which }) => {
        const before = shard(tenant, nodes, size)
        const gone = nodes[which]?.name as string
        const after = shard(
          tenant,
          nodes.filter(({ name }) => name !== gone),
          size
        )
        const kept = before.filter((name) => name !== gone)
        expect(after).toEqual(expect.arrayContaining(kept))
        expect(after).toHaveLength(size)
      })
    )
  })

  it('a node that comes replaces one at most', () => {
    fc.assert(
      fc.property(world, ({ nodes, tenant, size, which }) => {
        const before = shard(tenant, nodes, size)
        const after = shard(tenant, [...nodes, node('new', `z${which % 5}`)], size)
        // A zone of its own changes the shares.
        if (!nodes.some(({ labels }) => labels?.[zoneLabel] === `z${which % 5}`)) return
        expect(after.filter((name) => !before.includes(name)).every((name) => name === 'new')).toBe(true)
        expect(after).toHaveLength(size)
      })
    )
  })
})

describe('over many tenants', () => {
  const nodes = nodesIn(4, 100)
  const shards = Array.from({ length: 5_000 }, (_, at) => shard(`tenant-${at}`, nodes, 4))

  it('nodes have as many tenants as throwing dice would give them', () => {
    const counts = [...Map.groupBy(shards.flat(), (name) => name).values()].map(({ length }) => length)
    expect(counts).toHaveLength(100)
    // 200 each; six standard deviations of the binomial distribution.
    for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(6 * Math.sqrt(200))
  })

  it('two tenants share as few nodes as chance has it', () => {
    const pairs = shards.slice(0, 1000).flatMap((a, at) => shards.slice(at + 1, at + 50).map((b) => [a, b] as const))
    const shared = pairs.map(([a, b]) => a.filter((name) => b.includes(name)).length)
    // One node of 25 in each zone: 4 × 1/25 on average.
    expect(shared.reduce((sum, n) => sum + n, 0) / pairs.length).toBeCloseTo(0.16, 1)
    expect(shared.filter((n) => n === 4).length / pairs.length).toBeLessThan(0.001)
  })

  it('a new node takes its share of them, and no more', () => {
    const fleet = [...nodes, node('new', 'z0')]
    const moved = shards.filter((before, at) => shard(`tenant-${at}`, fleet, 4).join() !== before.join())
    expect(moved.length / shards.length).toBeGreaterThan(0.03)
    expect(moved.length / shards.length).toBeLessThan(0.05)
  })
})
