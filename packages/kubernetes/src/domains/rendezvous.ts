import { createHash } from 'node:crypto'

/** 64 bits that stand for a name. */
export interface Digest {
  readonly high: number
  readonly low: number
}

/** `role` keeps a tenant and a node of one name apart. SHA-256: who may choose a name should not find one with bits of their choice. */
export function digestOf(role: 'tenant' | 'node', name: string): Digest {
  const bytes = createHash('sha256').update(role).update('\0').update(name).digest()
  return { high: bytes.readInt32LE(0), low: bytes.readInt32LE(4) }
}

/**
 * How far a node is from a tenant, 0 to 2³² - 1, as if drawn by lot: the same for the same two everywhere and always, and independent of which others
 * there are. That independence is what makes shards stable (rendezvous hashing: Thaler and Ravishankar, 1998).
 */
export function distance(tenant: Digest, nodeHigh: number, nodeLow: number): number {
  return mixed(mixed(tenant.low ^ nodeLow) + (tenant.high ^ nodeHigh)) >>> 0
}

/** The finalizer of MurmurHash3: each bit of what goes in flips each bit of what comes out with probability ½. */
function mixed(value: number): number {
  let bits = value | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return bits ^ (bits >>> 16)
}
