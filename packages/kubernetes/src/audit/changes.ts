import { accessToHost } from './blast-radius.ts'
import type { PlacedPod } from './facts.ts'
import { isOwnKernel } from './kernel-class.ts'
import { waysAround } from './kernels.ts'

/** One workload to be given a kernel of its own, or to have the ways around it taken away. */
export interface Change {
  /** `namespace/Kind/name`. */
  readonly workload: string
  readonly pods: number
  /** It has one already: only the obstacles are left to do. */
  readonly hasOwnKernel: boolean
  /** Why it cannot just be given another RuntimeClass, or why that has not helped. */
  readonly obstacles: readonly string[]
  /** {@link expectedLoss} with this and all changes before it. */
  readonly lossAfter: number
}

export interface Risk {
  /** How likely it is that one workload is taken by an attacker, in the time one plans for; all alike, and each for itself. */
  readonly compromise: number
}

export const defaultRisk: Risk = { compromise: 0.05 }

/** What of the pods decides about the risk. */
interface Exposure {
  /** Suspect workloads that can attack each node's kernel. */
  readonly onNode: ReadonlyMap<string, ReadonlySet<string>>
  /** Pods that fall with each node's kernel. */
  readonly weight: ReadonlyMap<string, number>
  /** Kernels of nodes that each suspect workload can attack. */
  readonly nodes: ReadonlyMap<string, ReadonlySet<string>>
  readonly podsOf: ReadonlyMap<string, readonly PlacedPod[]>
  /** Pods that are suspect, and contained already. */
  readonly alone: number
}

/** Gains below it, in pods, are the noise of the arithmetic. */
const negligible = 1e-6

export const workloadOf = ({ namespace, workload }: PlacedPod): string => `${namespace}/${workload}`

function exposureOf(pods: readonly PlacedPod[]): Exposure {
  const suspects = pods.filter(({ trusted, contained }) => !trusted && !contained)
  const podsOf = Map.groupBy(suspects, workloadOf)
  const names = (group: readonly PlacedPod[], of: (pod: PlacedPod) => string) => new Set(group.map(of))
  const byNode = Map.groupBy(suspects, ({ nodeKernel }) => nodeKernel)
  return {
    onNode: new Map([...byNode].map(([node, group]) => [node, names(group, workloadOf)])),
    weight: new Map(
      [...Map.groupBy(pods, ({ nodeKernel }) => nodeKernel)].map(([node, group]) => [node, group.length])
    ),
    nodes: new Map([...podsOf].map(([workload, group]) => [workload, names(group, ({ nodeKernel }) => nodeKernel)])),
    podsOf,
    alone: pods.filter(({ trusted, contained }) => !trusted && contained).length,
  }
}

/**
 * Pods that an attacker is expected to have, when `isolated` workloads have kernels of their own: a node falls when at least one of the workloads on its
 * kernel does, and takes all of its pods; a pod with a kernel of its own takes itself.
 */
function lossOf(exposure: Exposure, isolated: ReadonlySet<string>, { compromise }: Risk): number {
  let loss = exposure.alone * compromise
  for (const [node, workloads] of exposure.onNode) {
    const left = workloads.difference(isolated).size
    loss += (exposure.weight.get(node) ?? 0) * (1 - (1 - compromise) ** left)
  }
  for (const workload of isolated) loss += compromise * (exposure.podsOf.get(workload)?.length ?? 0)
  return loss
}

export const expectedLoss = (pods: readonly PlacedPod[], risk: Risk = defaultRisk): number =>
  lossOf(exposureOf(pods), new Set(), risk)

/**
 * Which workloads to isolate first: at most `limit`, each the one that lowers the loss most when those before it are done. The loss falls faster the
 * nearer a node is to being free of suspects, so that the best set is not always found this way; see {@link planExactly}.
 */
export function planGreedily(pods: readonly PlacedPod[], limit: number, risk: Risk = defaultRisk): Change[] {
  const exposure = exposureOf(pods)
  const isolated = new Set<string>()
  const changes: Change[] = []
  // Suspects left on each node: what one more change would do is told by these alone.
  const left = new Map([...exposure.onNode].map(([node, workloads]) => [node, workloads.size]))
  let loss = lossOf(exposure, isolated, risk)
  while (changes.length < limit) {
    let best: { readonly workload: string; readonly gain: number } | undefined
    for (const workload of exposure.nodes.keys()) {
      if (isolated.has(workload)) continue
      const gain = gainOf(workload, exposure, left, risk)
      if (gain > (best?.gain ?? negligible)) best = { workload, gain }
    }
    if (!best) break
    isolated.add(best.workload)
    for (const node of exposure.nodes.get(best.workload) ?? []) left.set(node, (left.get(node) ?? 0) - 1)
    loss -= best.gain
    changes.push(changeOf(best.workload, exposure, loss))
  }
  return changes
}

function gainOf(workload: string, exposure: Exposure, left: ReadonlyMap<string, number>, { compromise }: Risk): number {
  let gain = -compromise * (exposure.podsOf.get(workload)?.length ?? 0)
  for (const node of exposure.nodes.get(workload) ?? [])
    gain += (exposure.weight.get(node) ?? 0) * (1 - compromise) ** ((left.get(node) ?? 0) - 1) * compromise
  return gain
}

/** The best set of at most `limit`, by trying all: for few workloads. In the order in which it pays most. */
export function planExactly(pods: readonly PlacedPod[], limit: number, risk: Risk = defaultRisk): Change[] {
  const exposure = exposureOf(pods)
  const workloads = [...exposure.nodes.keys()]
  let best: { readonly set: ReadonlySet<string>; readonly loss: number } = {
    set: new Set(),
    loss: lossOf(exposure, new Set(), risk),
  }
  for (const set of subsets(workloads, limit)) {
    const loss = lossOf(exposure, set, risk)
    if (loss < best.loss - negligible) best = { set, loss }
  }
  const done = new Set<string>()
  return [...best.set].map(() => {
    const rest = [...best.set].filter((workload) => !done.has(workload))
    const losses = rest.map((workload) => ({ workload, loss: lossOf(exposure, new Set([...done, workload]), risk) }))
    const next = losses.reduce((a, b) => (b.loss < a.loss ? b : a))
    done.add(next.workload)
    return changeOf(next.workload, exposure, next.loss)
  })
}

function* subsets(
  items: readonly string[],
  limit: number,
  from = 0,
  chosen: readonly string[] = []
): Generator<Set<string>> {
  if (chosen.length > 0) yield new Set(chosen)
  if (chosen.length === limit) return
  for (let at = from; at < items.length; at++) yield* subsets(items, limit, at + 1, [...chosen, items[at] as string])
}

/** So many sets are looked at in well under a second. */
const exactLimit = 20_000

/** The best plan where there are few enough sets to look at, a good one else. */
export function planChanges(pods: readonly PlacedPod[], limit: number, risk: Risk = defaultRisk): Change[] {
  const { nodes } = exposureOf(pods)
  return countSubsets(nodes.size, limit) <= exactLimit
    ? planExactly(pods, limit, risk)
    : planGreedily(pods, limit, risk)
}

function countSubsets(items: number, limit: number): number {
  let [ofSize, all] = [1, 0]
  for (let size = 1; size <= Math.min(limit, items); size++) {
    ofSize = (ofSize * (items - size + 1)) / size
    all += ofSize
    if (all > exactLimit) break
  }
  return all
}

function changeOf(workload: string, { podsOf }: Exposure, lossAfter: number): Change {
  const pods = podsOf.get(workload) ?? []
  const hasOwnKernel = pods.every(({ kernel }) => isOwnKernel(kernel))
  const obstacles = pods.flatMap(hasOwnKernel ? waysAround : accessToHost)
  return { workload, pods: pods.length, hasOwnKernel, obstacles: [...new Set(obstacles)].sort(), lossAfter }
}
