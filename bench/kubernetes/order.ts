/** How far one order of things is from another. */
export interface Disorder {
  /** Of all pairs, the share that is the other way round: 0 is the same order, 1 the reverse, and 0.5 what chance gives. */
  readonly inversions: number
  /** The most that came before one thing although they should have come after it. */
  readonly mostOvertaken: number
}

/** `order`: in the order in which they came, the place that each should have had; no two the same. */
export function disorderOf(order: readonly number[]): Disorder {
  const sorted = order.toSorted((a, b) => a - b)
  const rankOf = new Map(sorted.map((place, rank) => [place, rank + 1]))
  if (rankOf.size !== order.length) throw new RangeError('two things have the same place')
  // A Fenwick tree over the ranks: how many of those that came before have a rank up to some rank.
  const tree = new Array<number>(order.length + 1).fill(0)
  let inversions = 0
  let mostOvertaken = 0
  for (const [came, place] of order.entries()) {
    const rank = rankOf.get(place) as number
    let smaller = 0
    for (let at = rank; at > 0; at -= at & -at) smaller += tree[at] as number
    const overtakenBy = came - smaller
    inversions += overtakenBy
    mostOvertaken = Math.max(mostOvertaken, overtakenBy)
    for (let at = rank; at <= order.length; at += at & -at) tree[at] = (tree[at] as number) + 1
  }
  const pairs = (order.length * (order.length - 1)) / 2
  return { inversions: pairs === 0 ? 0 : inversions / pairs, mostOvertaken }
}
