import type { Fleet } from './fleet.ts'
import { type Digest, distance } from './rendezvous.ts'

/** First guess of how many of the nearest nodes a shard is found among. */
const guessPerNode = 4
const guessAtLeast = 16

/**
 * The nodes of one tenant, by their places in the fleet, nearest first: the nearest of those that are `open`, but of no zone more than its even share
 * (`size` ÷ zones, rounded up). Fewer than `size` only when fewer are open. Where even shares cannot be had, because zones are too small or full, they
 * are widened by one until they can.
 *
 * "At most so many of each zone, and so many in all" are the independent sets of a matroid, and taking the nearest that still fits finds its best basis.
 * Hence what a hash ring cannot promise: a node less changes the shards that had it by one node each, and no other; a node more changes a shard by at
 * most one. With several nested labels (region, zone, rack) the same holds. All this while the number of zones stays and no share is widened.
 */
export function chooseShard(
  tenant: Digest,
  fleet: Fleet,
  size: number,
  open: (at: number) => boolean = () => true
): number[] {
  const distances = distancesOf(tenant, fleet)
  for (let wanted = size * guessPerNode + guessAtLeast; ; wanted *= guessPerNode) {
    const near = nearest(distances, wanted)
    const places = near.places.filter(open)
    const chosen = spreadOut(places, fleet, size, 0)
    if (chosen.length === size) return chosen
    if (near.all) return widened(places, fleet, size)
  }
}

function distancesOf(tenant: Digest, { names, highs, lows }: Fleet): Uint32Array {
  const distances = new Uint32Array(names.length)
  for (let at = 0; at < distances.length; at++)
    distances[at] = distance(tenant, highs[at] as number, lows[at] as number)
  return distances
}

/** The nearest `wanted`, more or less, in order. */
function nearest(distances: Uint32Array, wanted: number): { readonly places: number[]; readonly all: boolean } {
  // Distances lie evenly, so that about so many are below this; to sort all would take ten times as long.
  const limit = (2 ** 32 * wanted) / distances.length
  const places: number[] = []
  for (let at = 0; at < distances.length; at++) if ((distances[at] as number) < limit) places.push(at)
  places.sort((a, b) => (distances[a] as number) - (distances[b] as number) || a - b)
  return { places, all: !(limit < 2 ** 32) }
}

/** Of nodes that do not suffice when shares are even. */
function widened(places: readonly number[], fleet: Fleet, size: number): number[] {
  const reachable = Math.min(size, places.length)
  for (let slack = 1; ; slack++) {
    const chosen = spreadOut(places, fleet, size, slack)
    if (chosen.length === reachable) return chosen
  }
}

/** The first that fit, where `slack` widens each zone's share. */
function spreadOut(places: readonly number[], { topologies }: Fleet, size: number, slack: number): number[] {
  const shares = topologies.map(({ domainOf, domains }) => ({
    domainOf,
    left: new Int32Array(domains).fill(Math.ceil(size / domains) + slack),
  }))
  const chosen: number[] = []
  for (const at of places) {
    if (chosen.length === size) break
    if (shares.some(({ domainOf, left }) => left[domainOf[at] as number] === 0)) continue
    for (const { domainOf, left } of shares) (left[domainOf[at] as number] as number)--
    chosen.push(at)
  }
  return chosen
}
