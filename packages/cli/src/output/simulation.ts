import type { LossAt, SimulationResult, StrategyResult } from '@bulkhead/kubernetes/domains'
import { type Column, renderTable } from './table.ts'

const dash = '-'

/** For programs, tab-separated: strategy, event, nodes that fall, and the shares of tenants (0 to 1) that lose something, most, everything. */
export function simulationRows({ strategies }: SimulationResult): string {
  const rows = strategies.flatMap(({ strategy, curve, zone, poison }) => [
    ...curve.flatMap(({ fallen, random, worst }) => [
      [strategy, 'random', fallen, random.any, random.majority, random.everything],
      [strategy, 'worst', fallen, dash, worst.majority, worst.everything],
    ]),
    [strategy, 'zone', dash, zone.any, zone.majority, zone.everything],
    [strategy, 'tenant', dash, poison.mean.any, poison.mean.majority, poison.mean.everything],
  ])
  return rows.map((row) => `${row.join('\t')}\n`).join('')
}

/** For people. */
export function simulationText({ settings, strategies }: SimulationResult): string {
  const { nodes, zones, sandboxes, tenants, capacity, shardSize, tenantsPerNode } = settings
  const curves = strategies[0]?.curve ?? []
  const perStrategy = (cell: (row: LossAt, result: StrategyResult) => string): Column<LossAt>[] =>
    strategies.map((result) => ({ title: result.strategy.toUpperCase(), value: (row) => cell(row, result) }))
  const at = (result: StrategyResult, row: LossAt) => result.curve.find(({ fallen }) => fallen === row.fallen) as LossAt
  const fallen: Column<LossAt> = { title: 'NODES', value: (row) => `${row.fallen}` }
  const table = <Row>(rows: readonly Row[], columns: readonly Column<Row>[]) =>
    renderTable(rows, columns, { terminal: true })
  return [
    `${sandboxes} sandboxes of ${tenants} tenants on ${nodes} nodes in ${zones} zones, ${capacity} fit on a node.`,
    `Shards of ${shardSize} nodes; "limited": at most ${tenantsPerNode} tenants a node. Tenants of one size, which come one after another.\n`,
    table(strategies, summary),
    `Tenants that lose something / most / everything when nodes fall, on average over nodes drawn by lot:\n`,
    table(curves, [fallen, ...perStrategy((row, result) => shares(at(result, row).random))]),
    `Tenants that lose most / everything when the worst nodes fall (beyond two nodes at least so many):\n`,
    table(curves, [
      fallen,
      ...perStrategy((row, result) => {
        const { majority, everything } = at(result, row).worst
        return [majority, everything].map(percent).join(' / ')
      }),
    ]),
  ].join('\n')
}

const shares = ({ any, majority, everything }: LossAt['random']): string =>
  [any, majority, everything].map(percent).join(' / ')

const summary: readonly Column<StrategyResult>[] = [
  { title: 'STRATEGY', value: ({ strategy }) => strategy },
  { title: 'WAITING', value: ({ waiting }) => `${waiting}` },
  { title: 'NODES/TENANT', value: ({ nodesPerTenant }) => nodesPerTenant.toFixed(1) },
  { title: 'TENANTS/NODE (MOST)', value: ({ tenantsPerNode: { mean, max } }) => `${mean.toFixed(1)} (${max})` },
  { title: 'NEIGHBOURS', value: ({ neighbours }) => neighbours.toFixed(1) },
  { title: 'WORST ZONE FALLS', value: ({ zone }) => shares(zone) },
  { title: 'A TENANT TAKES ITS NODES DOWN', value: ({ poison }) => shares(poison.mean) },
]

/** Two digits that count; what is not nothing never looks like it. */
function percent(share: number): string {
  if (share === 0) return '0'
  const value = share * 100
  return value < 0.01 ? '<0.01' : value < 10 ? value.toFixed(2) : value.toFixed(0)
}
