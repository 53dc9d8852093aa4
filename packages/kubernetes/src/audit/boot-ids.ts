import type { InsideWitness, NodeFact } from './facts.ts'

export const bootIdsOf = (nodes: readonly NodeFact[]): ReadonlySet<string> =>
  new Set(nodes.map(({ bootId }) => bootId).filter((bootId) => bootId !== ''))

/**
 * The inside has the boot id of a node: the pod runs on such a kernel, whatever its RuntimeClass says. The opposite proves nothing, since the program that
 * answers belongs to whom it is asked about, and so makes no kernel safer.
 */
export const isOnNodeKernel = (inside: InsideWitness | undefined, ofNodes: ReadonlySet<string>): boolean =>
  inside !== undefined && 'bootId' in inside && ofNodes.has(inside.bootId)
