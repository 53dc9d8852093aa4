import { bootIdsOf, isOnNodeKernel } from './boot-ids.ts'
import { type ClusterFacts, type InsideWitness, type PlacedPod, podKey } from './facts.ts'
import { isOwnKernel } from './kernel-class.ts'
import { claimedKernelOf, type PlacingOptions } from './kernels.ts'

/** What pods said when they were asked which kernel they run on. */
export interface ProbeReport {
  readonly answered: number
  /** They were given a RuntimeClass with a kernel of its own, and run on the kernel of a node. Counted as shared. */
  readonly pretending: readonly { readonly pod: string; readonly node: string; readonly runtimeClass: string }[]
  /** They should have a kernel each, and say the same boot id: restored from one snapshot, or on one kernel. Counted as they were. */
  readonly alike: readonly { readonly bootId: string; readonly pods: readonly string[] }[]
  /** They have no RuntimeClass that isolates, and yet another boot id than any node. Counted as shared, since the answer is theirs. */
  readonly unexpected: readonly string[]
  /** Could not be asked, and why; most first. */
  readonly silent: readonly { readonly why: string; readonly pods: number; readonly first: readonly string[] }[]
}

const shownPods = 10

export function probeReport(
  pods: readonly PlacedPod[],
  inside: ReadonlyMap<string, InsideWitness>,
  facts: ClusterFacts,
  options: PlacingOptions
): ProbeReport {
  const ofNodes = bootIdsOf(facts.nodes)
  const asked = pods.flatMap((pod) => {
    const witness = inside.get(podKey(pod))
    return witness ? [{ pod, witness, claimsOwn: isOwnKernel(claimedKernelOf(pod, facts, options)) }] : []
  })
  const answers = asked.flatMap(({ pod, witness, claimsOwn }) =>
    'bootId' in witness ? [{ pod, claimsOwn, bootId: witness.bootId, onNode: isOnNodeKernel(witness, ofNodes) }] : []
  )
  const silent = asked.flatMap(({ pod, witness }) => ('silent' in witness ? [{ pod, why: witness.silent }] : []))
  const alone = answers.filter(({ claimsOwn, onNode }) => claimsOwn && !onNode)
  return {
    answered: answers.length,
    pretending: answers
      .filter(({ claimsOwn, onNode }) => claimsOwn && onNode)
      .map(({ pod }) => ({ pod: podKey(pod), node: pod.node, runtimeClass: pod.runtimeClass ?? '' })),
    alike: [...Map.groupBy(alone, ({ bootId }) => bootId)]
      .filter(([, same]) => same.length > 1)
      .map(([bootId, same]) => ({ bootId, pods: same.map(({ pod }) => podKey(pod)) })),
    // Without boot ids of nodes there is nothing to compare with.
    unexpected: answers
      .filter(({ claimsOwn, onNode }) => !claimsOwn && !onNode && ofNodes.size > 0)
      .map(({ pod }) => podKey(pod)),
    silent: [...Map.groupBy(silent, ({ why }) => why)]
      .map(([why, same]) => ({ why, pods: same.length, first: same.slice(0, shownPods).map(({ pod }) => podKey(pod)) }))
      .sort((a, b) => b.pods - a.pods || (a.why < b.why ? -1 : 1)),
  }
}
