import { chooseShard } from './choose-shard.ts'
import type { Fleet } from './fleet.ts'
import { digestOf } from './rendezvous.ts'

export interface ShardSettings {
  /** Nodes of a tenant. */
  readonly shardSize: number
  /** Tenants of a node at most; unset: as many as fall to it. */
  readonly tenantsPerNode?: number
}

export interface Tenant {
  readonly name: string
  /** What its nodes are drawn by; default its name. The uid of a namespace is one that nobody can choose, to lie beside somebody else. */
  readonly key?: string
  /** Since when it is one, ms since the epoch: who was there first keeps its nodes. */
  readonly sinceMs?: number
}

export interface Shard {
  /** Nearest first. */
  readonly nodes: readonly string[]
  /** How many are missing to its size, because there are no more nodes, or none with room for another tenant. */
  readonly missing: number
}

/**
 * The shard of every tenant. A function of what there is, so nothing has to be stored or agreed on, and whoever computes it gets the same.
 *
 * Without `tenantsPerNode` a tenant's shard depends on the nodes alone. With it, tenants choose in the order of their age, each among the nodes that
 * those before it have left room on: a new tenant moves nobody, a node that goes moves those that had it and, where these take the last room of
 * others, some of the younger. The limit holds always; when there is no room for all, the youngest get fewer nodes than they should, and then none.
 */
export function assignShards(
  tenants: readonly Tenant[],
  fleet: Fleet,
  { shardSize, tenantsPerNode = Number.POSITIVE_INFINITY }: ShardSettings
): Map<string, Shard> {
  const room = new Float64Array(fleet.names.length).fill(tenantsPerNode)
  const open = (at: number) => (room[at] as number) > 0
  const shards = new Map<string, Shard>()
  for (const tenant of tenants.toSorted(byAge)) {
    const chosen = chooseShard(digestOf('tenant', keyOf(tenant)), fleet, shardSize, open)
    for (const at of chosen) (room[at] as number)--
    shards.set(tenant.name, {
      nodes: chosen.map((at) => fleet.names[at] as string),
      missing: shardSize - chosen.length,
    })
  }
  return shards
}

const keyOf = ({ key, name }: Tenant): string => key ?? name

function byAge(a: Tenant, b: Tenant): number {
  return (a.sinceMs ?? 0) - (b.sinceMs ?? 0) || (keyOf(a) < keyOf(b) ? -1 : 1)
}
