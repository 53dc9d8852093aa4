import { digestOf } from './rendezvous.ts'

/** What of a Node matters to shards. */
export interface FleetNode {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
}

export const zoneLabel = 'topology.kubernetes.io/zone'

/** The nodes that shards are chosen from, as columns: a choice looks at all of them. */
export interface Fleet {
  /** In order: where distances are equal, which is one pair in four milliards, the name decides, not who came first. */
  readonly names: readonly string[]
  readonly highs: Int32Array
  readonly lows: Int32Array
  /** For each label that shards are spread over, the domain of each node, and how many there are. */
  readonly topologies: readonly Topology[]
}

export interface Topology {
  readonly domainOf: Int32Array
  readonly domains: number
}

/** `spread`: labels of nodes. Nodes without such a label lie in one domain together. */
export function fleetOf(nodes: readonly FleetNode[], spread: readonly string[] = [zoneLabel]): Fleet {
  const sorted = nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const digests = sorted.map(({ name }) => digestOf('node', name))
  return {
    names: sorted.map(({ name }) => name),
    highs: Int32Array.from(digests, ({ high }) => high),
    lows: Int32Array.from(digests, ({ low }) => low),
    topologies: spread.map((key) => topologyOf(sorted, key)),
  }
}

function topologyOf(nodes: readonly FleetNode[], key: string): Topology {
  const numbers = new Map<string | undefined, number>()
  const domainOf = Int32Array.from(nodes, ({ labels }) => {
    const value = labels?.[key]
    const number = numbers.get(value) ?? numbers.size
    numbers.set(value, number)
    return number
  })
  return { domainOf, domains: numbers.size }
}
