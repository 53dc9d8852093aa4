import type { GraveMeasure } from './loss.ts'
import { occupancyOfSandboxes, type PlacedSandbox } from './occupancy.ts'
import { worstNodes } from './worst-nodes.ts'

export interface TenantsLost {
  /** The nodes whose fall takes them. */
  readonly nodes: readonly string[]
  readonly tenants: number
  /** Of all tenants, 0 to 1. */
  readonly share: number
  /** False: other nodes, as many, may take more. */
  readonly exact: boolean
}

/**
 * How many tenants lose everything (or, by `measure`, more than half) when the worst `k` nodes fall together. Exact for one and two nodes, a lower bound beyond:
 * which k are the worst is NP-hard to find.
 */
export function tenantsLost(
  sandboxes: readonly PlacedSandbox[],
  k: number,
  measure: GraveMeasure = 'everything'
): TenantsLost {
  const occupancy = occupancyOfSandboxes(sandboxes)
  const { nodes, tenants, exact } = worstNodes(occupancy, k, measure)
  return {
    nodes: nodes.map((at) => occupancy.nodeNames[at] as string),
    tenants,
    share: tenants / Math.max(1, occupancy.tenants),
    exact,
  }
}
