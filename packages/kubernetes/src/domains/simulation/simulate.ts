import { type GraveMeasure, LossCounter, type Losses, measures } from '../loss.ts'
import { type Occupancy, occupancyOf } from '../occupancy.ts'
import { greedyWorst, worstNodes } from '../worst-nodes.ts'
import { seededRandom } from './random.ts'
import type { SimulationSettings } from './settings.ts'
import { type StrategyName, strategies, tenantsOf, zoneOf } from './strategies.ts'

/** Shares of all tenants, 0 to 1. */
export type Shares = Losses

export interface LossAt {
  /** Nodes that fall together. */
  readonly fallen: number
  /** On average over nodes drawn by lot. */
  readonly random: Shares
  /** Over all choices of so many nodes, not a sample. */
  readonly randomIsExact: boolean
  /** By nodes chosen to do the most harm: for one and two the worst there are, for more at least so much. */
  readonly worst: Readonly<Record<GraveMeasure, number>>
}

export interface StrategyResult {
  readonly strategy: StrategyName
  /** Sandboxes for which there was no room where they may run. */
  readonly waiting: number
  /** Tenants whose sandboxes share a node: what the fall of one kernel reaches. */
  readonly tenantsPerNode: { readonly mean: number; readonly max: number }
  /** Other tenants with whom a tenant shares a node, on average. */
  readonly neighbours: number
  readonly nodesPerTenant: number
  readonly curve: readonly LossAt[]
  /** The worst zone falls. */
  readonly zone: Shares
  /** A tenant brings down every node that it is on: the others that lose, on average and at worst over tenants drawn by lot. */
  readonly poison: { readonly mean: Shares; readonly worst: Shares }
}

export interface SimulationResult {
  readonly settings: SimulationSettings
  readonly strategies: readonly StrategyResult[]
}

const steps = [1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000]
/** More are not tried than nodes ÷ this: what is left of a cluster then is not a cluster. */
const fallenAtMost = 10
/** As many choices of nodes are tried one by one instead of being drawn. */
const exactUpTo = 20_000
const draws = 400
const poisonersDrawn = 500

/** Places all sandboxes by each strategy, lets nodes fall, and counts who loses. */
export function simulate(settings: SimulationSettings): SimulationResult {
  const tenantOf = tenantsOf(settings)
  const names = Object.keys(strategies) as StrategyName[]
  return {
    settings,
    strategies: names.map((strategy) => {
      const nodeOf = strategies[strategy](settings)
      const occupancy = occupancyOf(tenantOf, nodeOf, settings.tenants, settings.nodes)
      const waiting = nodeOf.reduce((sum, node) => sum + (node < 0 ? 1 : 0), 0)
      return { strategy, waiting, ...measured(occupancy, settings) }
    }),
  }
}

function measured(occupancy: Occupancy, settings: SimulationSettings): Omit<StrategyResult, 'strategy' | 'waiting'> {
  const { nodes, tenants, seed } = settings
  const random = seededRandom(seed + 1)
  const counter = new LossCounter(occupancy)
  const shares = (losses: Losses): Shares => each((measure) => losses[measure] / tenants)
  const sizes = steps.filter((k) => k <= Math.max(2, nodes / fallenAtMost) && k <= nodes)
  const worst = worstOf(occupancy, counter, Math.max(...sizes))
  const curve = sizes.map((fallen) => {
    const { choices, exact } = choicesOf(nodes, fallen, random)
    return {
      fallen,
      random: shares(mean([...choices].map((choice) => counter.count(choice)))),
      randomIsExact: exact,
      worst: worst(fallen),
    }
  })
  const zones = Array.from({ length: settings.zones }, (_, zone) =>
    counter.count(places(nodes).filter((node) => zoneOf(node, settings) === zone))
  )
  const poisoned = poisoners(tenants, random).map((tenant) => counter.count(nodesOf(occupancy, tenant), tenant))
  return {
    ...reach(occupancy),
    neighbours: mean(poisoned).any,
    curve,
    zone: shares(largest(zones)),
    poison: { mean: shares(mean(poisoned)), worst: shares(largest(poisoned)) },
  }
}

/** Of all choices that have been found, also for fewer nodes or the other measure, the one that takes most. */
function worstOf(occupancy: Occupancy, counter: LossCounter, most: number) {
  const grave: readonly GraveMeasure[] = ['majority', 'everything']
  const exact = grave.flatMap((measure) => [1, 2].map((few) => worstNodes(occupancy, few, measure)))
  const greedy = grave.map((measure) => greedyWorst(occupancy, most, measure))
  return (k: number): LossAt['worst'] => {
    const choices = [
      ...exact.filter(({ nodes }) => nodes.length <= k),
      ...greedy.flatMap((found) => found[k - 1] ?? []),
    ]
    const losses = choices.map(({ nodes }) => counter.count(nodes))
    const share = (measure: GraveMeasure) => Math.max(...losses.map((lost) => lost[measure])) / occupancy.tenants
    return { majority: share('majority'), everything: share('everything') }
  }
}

function reach({ byNode, tenants, nodes }: Occupancy) {
  const perNode = places(nodes).map((node) => (byNode.from[node + 1] as number) - (byNode.from[node] as number))
  const cells = byNode.other.length
  const max = perNode.reduce((a, b) => Math.max(a, b), 0)
  return { tenantsPerNode: { mean: cells / nodes, max }, nodesPerTenant: cells / tenants }
}

const places = (count: number): number[] => Array.from({ length: count }, (_, at) => at)

const nodesOf = ({ byTenant: { from, other } }: Occupancy, tenant: number): Int32Array =>
  other.subarray(from[tenant], from[tenant + 1])

function poisoners(tenants: number, random: () => number): number[] {
  if (tenants <= poisonersDrawn) return places(tenants)
  return Array.from({ length: poisonersDrawn }, () => Math.floor(random() * tenants))
}

/** All choices of `k` nodes, or some. */
function choicesOf(nodes: number, k: number, random: () => number) {
  if (k === 1 && nodes <= exactUpTo) return { choices: places(nodes).map((node) => [node]), exact: true }
  if (k === 2 && (nodes * (nodes - 1)) / 2 <= exactUpTo) {
    const pairs = places(nodes).flatMap((a) => places(a).map((b) => [a, b]))
    return { choices: pairs, exact: true }
  }
  return { choices: Array.from({ length: draws }, () => drawn(nodes, k, random)), exact: false }
}

function drawn(nodes: number, k: number, random: () => number): Set<number> {
  const chosen = new Set<number>()
  while (chosen.size < k) chosen.add(Math.floor(random() * nodes))
  return chosen
}

const each = (of: (measure: keyof Losses) => number): Losses =>
  Object.fromEntries(measures.map((measure) => [measure, of(measure)])) as Losses

const largest = (all: readonly Losses[]): Losses => each((measure) => Math.max(...all.map((losses) => losses[measure])))

const mean = (all: readonly Losses[]): Losses =>
  each((measure) => all.reduce((sum, losses) => sum + losses[measure], 0) / Math.max(1, all.length))
