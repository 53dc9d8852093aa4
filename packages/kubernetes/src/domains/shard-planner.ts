import type { PodSpec } from '../api/index.ts'
import type { Change, Node, RuntimeClass, Stored } from '../controller/index.ts'
import { canHold, demandsOf } from './can-hold.ts'
import { chooseShard } from './choose-shard.ts'
import { type Fleet, fleetOf, zoneLabel } from './fleet.ts'
import type { Placement } from './placed.ts'
import { digestOf } from './rendezvous.ts'

/** As a policy has them. */
export interface FailureDomains {
  /** Nodes of a tenant; unset: its Pods run anywhere. */
  readonly shardSize?: number
  /** Tenants with sandboxes on a node, at most. */
  readonly tenantsPerNode?: number
  /** Labels of nodes; default: the zone. */
  readonly spread?: readonly string[]
}

/** Whose Pod is to be placed. */
export interface Placing {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly spec: PodSpec
}

/** What is known of the cluster: caches, or what a test says. */
export interface ShardWorld {
  readonly nodes: { list(): Stored<Node>[]; get(name: string): Stored<Node> | undefined }
  readonly runtimeClass: (name: string) => RuntimeClass | undefined
  /** The uid of a namespace: a key that nobody can choose. Undefined: not known yet. */
  readonly uidOf: (namespace: string) => string | undefined
  /** Namespaces that have a Pod of a Sandbox on this node, or one that waits and may come there. */
  readonly tenantsOn: (node: string) => Iterable<string>
}

export type Planned =
  | { readonly kind: 'placed'; readonly placement: Placement }
  /** By the policy there is no shard for it. */
  | { readonly kind: 'anywhere' }
  | { readonly kind: 'nowhere'; readonly why: string }

/** Finds the shard of a Pod that is to be made. */
export class ShardPlanner {
  readonly #world: ShardWorld
  /** By the labels spread over: of all nodes, as long as these are the same. */
  readonly #fleets = new Map<string, Fleet>()

  constructor(world: ShardWorld) {
    this.#world = world
  }

  /** To be told of every change of a node. Most are a kubelet's sign of life, and no reason to begin anew. */
  noteNode(change: Change<Node>): void {
    const { labels } = change.object.metadata
    const same = change.type === 'updated' && sameLabels(labels, change.old.metadata.labels)
    if (!same) this.#fleets.clear()
  }

  plan(
    { namespace, spec }: Omit<Placing, 'labels'>,
    { shardSize, tenantsPerNode, spread = [zoneLabel] }: FailureDomains
  ): Planned {
    if (shardSize === undefined) return { kind: 'anywhere' }
    const uid = this.#world.uidOf(namespace)
    if (uid === undefined) return { kind: 'nowhere', why: `the namespace ${namespace} is not known yet` }
    const fleet = this.#fleet(spread)
    const isOpen = this.#openTo(namespace, spec, tenantsPerNode)
    const chosen = chooseShard(digestOf('tenant', uid), fleet, shardSize, (at) => isOpen(fleet.names[at] as string))
    if (chosen.length > 0)
      return { kind: 'placed', placement: { nodes: chosen.map((at) => fleet.names[at] as string), spread } }
    const room = tenantsPerNode === undefined ? '' : ` and has fewer than ${tenantsPerNode} other tenants`
    return { kind: 'nowhere', why: `no node of ${fleet.names.length} can hold the Pod${room}` }
  }

  #openTo(namespace: string, spec: PodSpec, tenantsPerNode = Number.POSITIVE_INFINITY): (node: string) => boolean {
    const { nodes, runtimeClass, tenantsOn } = this.#world
    const demands = demandsOf(spec, spec.runtimeClassName ? runtimeClass(spec.runtimeClassName) : undefined)
    const hasRoom = (name: string) =>
      tenantsPerNode === Number.POSITIVE_INFINITY ||
      new Set(tenantsOn(name)).difference(new Set([namespace])).size < tenantsPerNode
    return (name) => {
      const node = nodes.get(name)
      return node !== undefined && canHold(node, demands) && hasRoom(name)
    }
  }

  #fleet(spread: readonly string[]): Fleet {
    const key = JSON.stringify(spread)
    const known = this.#fleets.get(key)
    if (known) return known
    const nodes = this.#world.nodes
      .list()
      .map(({ metadata: { name, labels } }) => ({ name, ...(labels && { labels }) }))
    const fleet = fleetOf(nodes, spread)
    this.#fleets.set(key, fleet)
    return fleet
  }
}

function sameLabels(a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}
