/** A cluster as it is simulated: nodes alike, tenants of one size. */
export interface SimulationSettings {
  readonly nodes: number
  readonly zones: number
  readonly sandboxes: number
  readonly tenants: number
  /** Sandboxes that fit on a node. */
  readonly capacity: number
  readonly shardSize: number
  /** In the strategy with a limit. */
  readonly tenantsPerNode: number
  /** Of everything that is drawn by lot. */
  readonly seed: number
}

export const defaultSimulation = {
  nodes: 10_000,
  zones: 3,
  sandboxes: 1_000_000,
  tenants: 5_000,
  shardSize: 4,
  seed: 1,
}

type Given = Omit<SimulationSettings, 'capacity' | 'tenantsPerNode'> & Partial<SimulationSettings>

/** Room for half as much again as there is, and on a node for as many tenants as then fit. */
export function simulationSettings(given: Given): SimulationSettings {
  const { nodes, sandboxes, tenants, shardSize } = given
  const { capacity = Math.ceil((1.5 * sandboxes) / nodes) } = given
  const perNodeAndTenant = Math.ceil(sandboxes / tenants / shardSize)
  const { tenantsPerNode = Math.max(1, Math.floor(capacity / perNodeAndTenant)) } = given
  return { ...given, capacity, tenantsPerNode }
}
