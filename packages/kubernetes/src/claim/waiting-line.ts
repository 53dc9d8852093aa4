import type { SandboxClaim } from '../api/index.ts'
import { objectKey, type Stored } from '../controller/index.ts'

interface Waiter {
  readonly key: string
  readonly uid: string
  readonly order: number
}

/**
 * The claims that wait for a member of a pool to get its address, in order of arrival. A member that becomes available is theirs first: a claim that
 * comes later takes one only when there are more than claims ahead of it.
 */
export class WaitingLine {
  readonly #pools = new Map<string, Waiter[]>()
  readonly #poolOf = new Map<string, string>()

  /** `order`: when the claim arrived, as a count. */
  join(pool: string, claim: Stored<SandboxClaim>, order: number): void {
    const key = objectKey(claim)
    if (this.#poolOf.get(key) === pool && this.#find(pool, key)?.uid === claim.metadata.uid) return
    this.leave(key)
    const waiters = this.#pools.get(pool) ?? []
    this.#pools.set(pool, waiters)
    const at = waiters.findLastIndex((other) => other.order < order) + 1
    waiters.splice(at, 0, { key, uid: claim.metadata.uid, order })
    this.#poolOf.set(key, pool)
  }

  leave(key: string): void {
    const pool = this.#poolOf.get(key)
    if (pool === undefined) return
    this.#poolOf.delete(key)
    const left = (this.#pools.get(pool) ?? []).filter((waiter) => waiter.key !== key)
    if (left.length > 0) this.#pools.set(pool, left)
    else this.#pools.delete(pool)
  }

  /** How many wait for this pool that arrived before. */
  ahead(pool: string, order: number): number {
    const waiters = this.#pools.get(pool) ?? []
    return waiters.findLastIndex((other) => other.order < order) + 1
  }

  /** The keys of the first that wait. */
  first(pool: string, count: number): readonly string[] {
    return (this.#pools.get(pool) ?? []).slice(0, count).map(({ key }) => key)
  }

  #find(pool: string, key: string): Waiter | undefined {
    return this.#pools.get(pool)?.find((waiter) => waiter.key === key)
  }
}
