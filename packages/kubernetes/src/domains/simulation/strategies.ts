import { assignShards } from '../assign-shards.ts'
import { fleetOf, zoneLabel } from '../fleet.ts'
import { seededRandom, shuffle } from './random.ts'
import type { SimulationSettings } from './settings.ts'

/** Where each sandbox goes, by number; -1: nowhere, it waits. The sandboxes of a tenant have consecutive numbers, and come together. */
export type Strategy = (settings: SimulationSettings) => Int32Array

export const strategies = {
  'least loaded': leastLoaded,
  random,
  packed,
  sharded: (settings) => sharded(settings, undefined),
  'sharded, limited': (settings) => sharded(settings, settings.tenantsPerNode),
} as const satisfies Record<string, Strategy>

export type StrategyName = keyof typeof strategies

/** The tenant of each sandbox. */
export function tenantsOf({ sandboxes, tenants }: SimulationSettings): Int32Array {
  return Int32Array.from({ length: sandboxes }, (_, sandbox) => Math.floor((sandbox * tenants) / sandboxes))
}

export const zoneOf = (node: number, { zones }: SimulationSettings): number => node % zones

/** As Kubernetes' scheduler does by default, between equals by lot: all nodes once, then all again. */
function leastLoaded({ nodes, sandboxes, capacity, seed }: SimulationSettings): Int32Array {
  const random = seededRandom(seed)
  const order = Int32Array.from({ length: nodes }, (_, node) => node)
  return Int32Array.from({ length: sandboxes }, (_, sandbox) => {
    const turn = sandbox % nodes
    if (turn === 0) shuffle(order, random)
    return sandbox < nodes * capacity ? (order[turn] as number) : -1
  })
}

/** Any node with room. */
function random({ nodes, sandboxes, capacity, seed }: SimulationSettings): Int32Array {
  const draw = seededRandom(seed)
  const open = Int32Array.from({ length: nodes }, (_, node) => node)
  const used = new Int32Array(nodes)
  let left = nodes
  return Int32Array.from({ length: sandboxes }, () => {
    if (left === 0) return -1
    const at = Math.floor(draw() * left)
    const node = open[at] as number
    used[node] = (used[node] as number) + 1
    if (used[node] === capacity) open[at] = open[--left] as number
    return node
  })
}

/** The fullest node with room, as for the lowest bill (`MostAllocated`). */
function packed({ nodes, sandboxes, capacity }: SimulationSettings): Int32Array {
  return Int32Array.from({ length: sandboxes }, (_, sandbox) => {
    const node = Math.floor(sandbox / capacity)
    return node < nodes ? node : -1
  })
}

/** Within a tenant's shard evenly, while there is room. */
function sharded(settings: SimulationSettings, tenantsPerNode: number | undefined): Int32Array {
  const { nodes, tenants, capacity, shardSize } = settings
  const fleet = fleetOf(
    Array.from({ length: nodes }, (_, node) => ({
      name: nodeName(node),
      labels: { [zoneLabel]: `${zoneOf(node, settings)}` },
    }))
  )
  const shards = assignShards(
    Array.from({ length: tenants }, (_, tenant) => ({ name: `tenant-${tenant}`, sinceMs: tenant })),
    fleet,
    { shardSize, ...(tenantsPerNode !== undefined && { tenantsPerNode }) }
  )
  const numberOf = new Map(Array.from({ length: nodes }, (_, node) => [nodeName(node), node]))
  const nodesOf = Array.from({ length: tenants }, (_, tenant) =>
    (shards.get(`tenant-${tenant}`)?.nodes ?? []).map((name) => numberOf.get(name) as number)
  )
  const used = new Int32Array(nodes)
  return tenantsOf(settings).map((tenant, sandbox) => {
    const own = nodesOf[tenant] as number[]
    for (let tried = 0; tried < own.length; tried++) {
      const node = own[(sandbox + tried) % own.length] as number
      if ((used[node] as number) >= capacity) continue
      used[node] = (used[node] as number) + 1
      return node
    }
    return -1
  })
}

const nodeName = (node: number): string => `node-${node}`
