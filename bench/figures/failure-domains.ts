import { performance } from 'node:perf_hooks'
import {
  defaultSimulation,
  type SimulationResult,
  type StrategyName,
  simulate,
  simulationSettings,
} from '../../packages/kubernetes/src/domains/index.ts'
import type { Figure } from '../figure.ts'

const hundredNodes = { ...defaultSimulation, nodes: 100, sandboxes: 10_000, tenants: 500 }

/** Who loses everything when nodes fall, with shards against packing, over each choice of two nodes of a hundred; and how long the large simulation takes. */
export async function failureDomains(): Promise<Figure[]> {
  const small = simulate(simulationSettings(hundredNodes))
  const began = performance.now()
  const large = simulate(simulationSettings(defaultSimulation))
  const seconds = (performance.now() - began) / 1000
  const lost = (strategy: StrategyName) => 100 * atTwo(small, strategy).worst.everything
  const { nodes, sandboxes, tenants } = large.settings
  return [
    {
      name: 'Failure domains: tenants that lose everything when the worst 2 of 100 nodes fall',
      value: lost('sharded, limited'),
      unit: '%',
      target: { atMost: 1 },
      detail: `shards of ${small.settings.shardSize}; packed ${lost('packed').toFixed(1)} %, least loaded ${lost('least loaded').toFixed(1)} %; every pair of nodes tried`,
    },
    {
      name: 'Failure domains: other tenants that lose something when a tenant takes its nodes down',
      value: 100 * of(large, 'sharded, limited').poison.mean.any,
      unit: '%',
      detail: `of ${tenants} on ${nodes} nodes; least loaded ${(100 * of(large, 'least loaded').poison.mean.any).toFixed(1)} %`,
    },
    {
      name: 'Failure domains: the simulation itself',
      value: seconds,
      unit: 's',
      target: { atMost: 60 },
      detail: `${nodes} nodes, ${sandboxes} sandboxes, ${tenants} tenants, ${large.strategies.length} strategies, one core`,
    },
  ]
}

function of({ strategies }: SimulationResult, strategy: StrategyName) {
  const found = strategies.find((result) => result.strategy === strategy)
  if (!found) throw new Error(`nothing is known of "${strategy}"`)
  return found
}

function atTwo(result: SimulationResult, strategy: StrategyName) {
  const found = of(result, strategy).curve.find(({ fallen }) => fallen === 2)
  if (!found) throw new Error('two nodes were not let fall')
  return found
}
