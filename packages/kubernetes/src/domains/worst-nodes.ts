import { type GraveMeasure, needs } from './loss.ts'
import type { Occupancy } from './occupancy.ts'

/** Nodes whose fall takes many tenants. */
export interface WorstNodes {
  readonly nodes: readonly number[]
  readonly tenants: number
  /** No other choice of as many nodes takes more; otherwise there may be one. */
  readonly exact: boolean
}

/** Exact for one node and for two; more by {@link greedyWorst}. */
export function worstNodes(occupancy: Occupancy, k: number, measure: GraveMeasure): WorstNodes {
  const wanted = Math.min(k, occupancy.nodes)
  if (wanted === 0) return { nodes: [], tenants: 0, exact: true }
  if (wanted > 2) return greedyWorst(occupancy, wanted, measure).at(-1) as WorstNodes
  const { singles, pairs } = takenByOneOrTwo(occupancy, measure)
  const best = [...singles.keys()].sort((a, b) => (singles[b] as number) - (singles[a] as number) || a - b)
  const of = (at: number) => singles[at] as number
  const [first = 0, second = 0] = best
  if (wanted === 1) return { nodes: [first], tenants: of(first), exact: true }
  let found = { nodes: [first, second], tenants: of(first) + of(second) + (pairs.get(pairKey(first, second)) ?? 0) }
  for (const [key, both] of pairs) {
    const [a, b] = key.split(' ').map(Number) as [number, number]
    const tenants = of(a) + of(b) + both
    if (tenants > found.tenants) found = { nodes: [a, b], tenants }
  }
  return { ...found, exact: true }
}

const pairKey = (a: number, b: number): string => (a < b ? `${a} ${b}` : `${b} ${a}`)

/** The tenants that each node takes alone, and those that two take only together. */
function takenByOneOrTwo(occupancy: Occupancy, measure: GraveMeasure) {
  const { from, other, count } = occupancy.byTenant
  const singles = new Int32Array(occupancy.nodes)
  const pairs = new Map<string, number>()
  for (const [tenant, need] of needs(occupancy, measure).entries()) {
    const cells = cellsOf(from, tenant).sort((a, b) => (count[b] as number) - (count[a] as number))
    for (const [at, a] of cells.entries()) {
      if ((count[a] as number) >= need) {
        ;(singles[other[a] as number] as number)++
        continue
      }
      // Largest first: once two are too few, so are all that follow. And of a majority or more, no two such pairs are disjoint: there are few.
      for (let next = at + 1; next < cells.length; next++) {
        const b = cells[next] as number
        if ((count[a] as number) + (count[b] as number) < need) break
        const key = pairKey(other[a] as number, other[b] as number)
        pairs.set(key, (pairs.get(key) ?? 0) + 1)
      }
    }
  }
  return { singles, pairs }
}

const cellsOf = (from: Int32Array, row: number): number[] =>
  Array.from({ length: (from[row + 1] as number) - (from[row] as number) }, (_, at) => (from[row] as number) + at)

/** By how much a node that is still missing to a tenant's end devalues it: nodes are taken one by one, and a tenant's first would otherwise count nothing. */
const perMissingNode = 16
/** In nodes: what is still missing to a tenant's end is sandboxes ÷ its sandboxes per node, and some of its nodes have a few less than others. */
const unevenness = 0.2

/**
 * Node after node, each time the one that brings most tenants nearest to their end: the first `k` are a choice of k nodes, and what they take is a lower
 * bound of what the worst k take.
 */
export function greedyWorst(occupancy: Occupancy, k: number, measure: GraveMeasure): WorstNodes[] {
  const { byNode, byTenant, nodes } = occupancy
  const need = needs(occupancy, measure)
  const perNode = Float64Array.from(need, (_, tenant) => perNodeOf(occupancy, tenant))
  const worth = (tenant: number, left: number) =>
    left <= 0 ? 1 : worthOf(Math.max(1, Math.ceil(left / (perNode[tenant] as number) - unevenness)))
  const gainOf = (tenant: number, left: number, count: number) =>
    left <= 0 ? 0 : worth(tenant, left - count) - worth(tenant, left)
  const gains = new Float64Array(nodes)
  for (let node = 0; node < nodes; node++) {
    for (let cell = byNode.from[node] as number; cell < (byNode.from[node + 1] as number); cell++) {
      const tenant = byNode.other[cell] as number
      ;(gains[node] as number) += gainOf(tenant, need[tenant] as number, byNode.count[cell] as number)
    }
  }
  /** The tenant comes nearer to its end: what all its nodes are worth changes. */
  const approach = (tenant: number, before: number, after: number) => {
    for (let cell = byTenant.from[tenant] as number; cell < (byTenant.from[tenant + 1] as number); cell++) {
      const count = byTenant.count[cell] as number
      ;(gains[byTenant.other[cell] as number] as number) += gainOf(tenant, after, count) - gainOf(tenant, before, count)
    }
  }

  const chosen: number[] = []
  const steps: WorstNodes[] = []
  let tenants = 0
  while (chosen.length < Math.min(k, nodes)) {
    const next = largest(gains)
    chosen.push(next)
    for (let cell = byNode.from[next] as number; cell < (byNode.from[next + 1] as number); cell++) {
      const tenant = byNode.other[cell] as number
      const before = need[tenant] as number
      if (before <= 0) continue
      const after = before - (byNode.count[cell] as number)
      need[tenant] = after
      approach(tenant, before, after)
      if (after <= 0) tenants++
    }
    gains[next] = taken
    steps.push({ nodes: chosen.slice(), tenants, exact: false })
  }
  return steps
}

const worths = Float64Array.from({ length: 256 }, (_, missing) => perMissingNode ** -missing)
/** Beyond the table a double is 0. */
const worthOf = (missingNodes: number): number => worths[missingNodes] ?? 0

/** Sandboxes per node of a tenant. */
function perNodeOf({ sizes, byTenant: { from } }: Occupancy, tenant: number): number {
  return (sizes[tenant] as number) / Math.max(1, (from[tenant + 1] as number) - (from[tenant] as number))
}

const taken = Number.NEGATIVE_INFINITY

function largest(values: Float64Array): number {
  let found = 0
  for (let at = 1; at < values.length; at++) if ((values[at] as number) > (values[found] as number)) found = at
  return found
}
