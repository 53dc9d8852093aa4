import { label, nameHash, type Sandbox, type SandboxWarmPool, type SandboxWarmPoolStatus } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { isReady } from './member-state.ts'

/** `active`: members that are not on their way out. */
export function poolStatus(
  { metadata }: Stored<SandboxWarmPool>,
  active: readonly Stored<Sandbox>[]
): Required<SandboxWarmPoolStatus> {
  return {
    replicas: active.length,
    readyReplicas: active.filter(isReady).length,
    selector: `${label.warmPoolSandbox}=${nameHash(metadata.name)}`,
    observedGeneration: metadata.generation ?? 0,
  }
}

/** Between two writes of a pool's status, and how long a change may wait for more. */
const intervalMs = 1_000

/**
 * When a pool's status is written: at once when the pool has come to rest, else when the first change not written yet is a second old; and never
 * within a second of the last write. A member that is taken and replaced within that second costs no write at all.
 */
export class StatusPace {
  #changedAt: number | undefined
  #writtenAt = Number.NEGATIVE_INFINITY

  /** In how many ms to write; 0: now. Undefined: there is nothing to write. */
  writeInMs(isChanged: boolean, isAtRest: boolean, now: number): number | undefined {
    if (!isChanged) {
      this.#changedAt = undefined
      return undefined
    }
    this.#changedAt ??= now
    const settleMs = isAtRest ? 0 : this.#changedAt + intervalMs - now
    return Math.max(0, settleMs, this.#writtenAt + intervalMs - now)
  }

  written(now: number): void {
    this.#changedAt = undefined
    this.#writtenAt = now
  }
}

export const isSameStatus = (stored: SandboxWarmPoolStatus = {}, next: Required<SandboxWarmPoolStatus>): boolean =>
  stored.replicas === next.replicas &&
  stored.readyReplicas === next.readyReplicas &&
  stored.selector === next.selector &&
  stored.observedGeneration === next.observedGeneration
