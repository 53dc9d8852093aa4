import type { Sandbox, SandboxTemplate, SandboxWarmPool } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import type { OperatorSettings } from '../operator/operator-context.ts'
import { InputBackoff } from './input-backoff.ts'
import { StatusPace } from './pool-status.ts'
import { RefillPace } from './refill-pace.ts'
import { ReplacementPace } from './replacement-pace.ts'

/** After creates and deletes that failed. The longest is short enough for people who have just raised a quota. */
const writeBackoff = { baseMs: 200, maxMs: 60_000 }

/** What is known of a pool beyond the caches: paces, and requests without an answer. Lost with the process; nothing in it is needed to be right. */
export class PoolMemory {
  readonly uid: string
  readonly refill: RefillPace
  readonly status = new StatusPace()
  readonly writing = new InputBackoff(writeBackoff)
  readonly replacing = new ReplacementPace()
  /** Names of creates that may have been carried out. */
  readonly openCreates = new Set<string>()
  /** Deletes that may have been carried out, by uid. */
  readonly openDeletes = new Map<string, Stored<Sandbox>>()
  /** Whether people have been told that nodes refuse the pool's Pods. */
  isStuck = false
  passBeganAt = Number.NEGATIVE_INFINITY

  constructor(pool: Stored<SandboxWarmPool>, settings: OperatorSettings) {
    this.uid = pool.metadata.uid
    this.refill = new RefillPace({
      delayMs: settings.warmPoolReplenishDelayMs,
      perSecond: settings.warmPoolMaxRefillRate,
    })
  }
}

/** The memories of all pools, by key. */
export class PoolMemories {
  readonly #settings: OperatorSettings
  readonly #byKey = new Map<string, PoolMemory>()

  constructor(settings: OperatorSettings) {
    this.#settings = settings
  }

  /** A pool that was made anew under its name begins anew. */
  of(key: string, pool: Stored<SandboxWarmPool>): PoolMemory {
    const known = this.#byKey.get(key)
    if (known?.uid === pool.metadata.uid) return known
    const memory = new PoolMemory(pool, this.#settings)
    this.#byKey.set(key, memory)
    return memory
  }

  forget(key: string): void {
    this.#byKey.delete(key)
  }
}

/** What the outcome of creates depends on, and what becomes of them. How many are wanted is not among it. */
export const inputOf = (template: Stored<SandboxTemplate> | undefined): string =>
  `${template?.metadata.uid}/${template?.metadata.generation}`
