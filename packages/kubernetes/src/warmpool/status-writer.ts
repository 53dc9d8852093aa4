import { type Sandbox, sandboxWarmPools } from '../api/index.ts'
import { isConflict, isNotFound, mergePatch, type Stored } from '../controller/index.ts'
import type { OperatorContext } from '../operator/operator-context.ts'
import type { PoolPass } from './member-writer.ts'
import { activeMembers, wantedReplicas } from './plan-pool.ts'
import { isSameStatus, poolStatus } from './pool-status.ts'

/** What the watch will tell of a pool that is another by now it tells sooner. */
const overtakenRecheckMs = 1_000

/** Writes a pool's status, see {@link StatusPace} for when. */
export class StatusWriter {
  readonly #context: Pick<OperatorContext, 'client' | 'caches' | 'clock'>

  constructor(context: Pick<OperatorContext, 'client' | 'caches' | 'clock'>) {
    this.#context = context
  }

  /** Returns in how many ms it would write what it does not write yet. */
  async write(
    { key, pool, memory, signal }: PoolPass,
    labelled: readonly Stored<Sandbox>[]
  ): Promise<number | undefined> {
    const { client, caches, clock } = this.#context
    const status = poolStatus(pool, activeMembers(pool, labelled))
    const stored = caches.pools.store.get(key)?.status
    const isAtRest = status.replicas === wantedReplicas(pool) && status.readyReplicas === status.replicas
    const inMs = memory.status.writeInMs(!isSameStatus(stored, status), isAtRest, clock.now())
    if (inMs !== 0) return inMs
    // Also of one that fails: what goes wrong is not tried more often than what goes well.
    memory.status.written(clock.now())
    try {
      // Own fields only, told from what is, by the one writer there is: it needs no resource version, and so does not lose to edits of the spec. The uid
      // keeps it from a pool that was made anew under the name.
      const patch = mergePatch({ metadata: { uid: pool.metadata.uid }, status })
      caches.pools.store.wrote(
        await client.patch(sandboxWarmPools, pool.metadata, patch, { subresource: 'status', signal })
      )
    } catch (error) {
      if (!isNotFound(error, pool.metadata.name) && !isConflict(error)) throw error
      return overtakenRecheckMs
    }
    return undefined
  }
}
