import type { NodeFact, PlacedPod } from './facts.ts'
import { nodeKernels } from './kernels.ts'

/** How many tenants lose every pod when `k` kernels of nodes fall. */
export interface NodesLost {
  readonly k: number
  /** The nodes with which most tenants lose everything; several of one kernel count once. */
  readonly worst: { readonly nodes: readonly string[]; readonly tenantsLost: number }
  /** Over all choices of `k`, each as likely as the others. */
  readonly meanTenantsLost: number
  /** Of so many. */
  readonly tenants: number
}

/**
 * For k = 1 and 2, exactly, from where the pods are now: a tenant is lost when all kernels under its pods are. What a pod's own kernel keeps out does not
 * matter here: it falls with its node.
 */
export function nodesLost(pods: readonly PlacedPod[], nodes: readonly NodeFact[]): NodesLost[] {
  const kernels = new Set([...nodeKernels(nodes).values(), ...pods.map(({ nodeKernel }) => nodeKernel)])
  const placements = [
    ...Map.groupBy(
      pods.filter(({ trusted }) => !trusted),
      ({ namespace }) => namespace
    ).values(),
  ].map((own) => [...new Set(own.map(({ nodeKernel }) => nodeKernel))].sort())
  return ([1, 2] as const)
    .filter((k) => k <= kernels.size)
    .map((k) => ({
      k,
      worst: k === 1 ? worstOne(placements) : worstTwo(placements, kernels),
      meanTenantsLost: placements.reduce((sum, { length }) => sum + probability(length, k, kernels.size), 0),
      tenants: placements.length,
    }))
}

type Placement = readonly string[]

/** That `needed` given kernels are all among `k` of `all`, drawn at random. */
function probability(needed: number, k: number, all: number): number {
  let product = 1
  for (let at = 0; at < needed; at++) product *= Math.max(0, k - at) / (all - at)
  return product
}

/** How often each is there. A pair is joined by a line break, which no name of a node has. */
const tally = (keys: Iterable<string>): Map<string, number> =>
  new Map([...Map.groupBy(keys, (key) => key)].map(([key, found]) => [key, found.length]))

/** Most first, then by name. */
const ranked = (counts: ReadonlyMap<string, number>): [string, number][] =>
  [...counts].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1))

const aloneOn = (placements: readonly Placement[]): Map<string, number> =>
  tally(placements.flatMap((placement) => (placement.length === 1 ? placement : [])))

function worstOne(placements: readonly Placement[]): NodesLost['worst'] {
  const [[node, tenantsLost] = []] = ranked(aloneOn(placements))
  return { nodes: node === undefined ? [] : [node], tenantsLost: tenantsLost ?? 0 }
}

/** Two take the tenants that each takes alone, and those that are on just these two. Only pairs that have such tenants can beat the two worst single ones. */
function worstTwo(placements: readonly Placement[], kernels: ReadonlySet<string>): NodesLost['worst'] {
  const alone = aloneOn(placements)
  const onBoth = tally(placements.filter(({ length }) => length === 2).map((pair) => pair.join('\n')))
  const singles = ranked(new Map([...kernels].map((kernel) => [kernel, alone.get(kernel) ?? 0]))).slice(0, 2)
  const strongest = singles.map(([kernel]) => kernel).sort()
  const taken = [strongest.join('\n'), ...onBoth.keys()].map((pair): [string, number] => {
    const [a = '', b = ''] = pair.split('\n')
    return [pair, (alone.get(a) ?? 0) + (alone.get(b) ?? 0) + (onBoth.get(pair) ?? 0)]
  })
  const [[pair = '', tenantsLost = 0] = []] = ranked(new Map(taken))
  return { nodes: pair.split('\n'), tenantsLost }
}
