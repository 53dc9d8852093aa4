/**
 * @packageDocumentation Failure domains: which nodes a tenant's sandboxes run on (shuffle sharding), how that is said to Kubernetes' scheduler, and
 * what is lost together when nodes fall.
 */

export { assignShards, type Shard, type ShardSettings, type Tenant } from './assign-shards.ts'
export { canHold, type Demands, demandsOf } from './can-hold.ts'
export { chooseShard } from './choose-shard.ts'
export { type Fleet, type FleetNode, fleetOf, zoneLabel } from './fleet.ts'
export { type GraveMeasure, type Losses, type Measure, measures } from './loss.ts'
export type { PlacedSandbox } from './occupancy.ts'
export { nodesOfPod, type Placement, placed } from './placed.ts'
export {
  type FailureDomains,
  type Placing,
  type Planned,
  ShardPlanner,
  type ShardWorld,
} from './shard-planner.ts'
export { type ShardStores, shardWorld } from './shard-world.ts'
export { defaultSimulation, type SimulationSettings, simulationSettings } from './simulation/settings.ts'
export { type LossAt, type SimulationResult, type StrategyResult, simulate } from './simulation/simulate.ts'
export type { StrategyName } from './simulation/strategies.ts'
export { type TenantsLost, tenantsLost } from './tenants-lost.ts'
