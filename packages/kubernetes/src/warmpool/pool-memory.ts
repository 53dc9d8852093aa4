import type { Sandbox, SandboxTemplate, SandboxWarmPool } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import type { OperatorSettings } from '../operator/operator-context.ts'
import { InputBackoff } from './input-backoff.ts'
import { StatusPace } from './pool-status.ts'
import { RefillPace } from './refill-pace.ts'
import { ReplacementPace } from './replacement-pace.ts'

/** After writes that failed. The longest is short enough for people who have just raised a quota. */
const backoff = { baseMs: 200, maxMs: 60_000 }

/** What is known of a pool beyond the caches: paces, and requests without an answer. Lost with the process; nothing in it is needed to be right. */
export class PoolMemory {
  readonly uid: string
  readonly refill: RefillPace
  readonly status = new StatusPace()
  /** One for each kind of write: a Sandbox that nobody may delete is no reason not to create others. */
  readonly backoff = {
    create: new InputBackoff(backoff),
    delete: new InputBackoff(backoff),
    adopt: new InputBackoff(backoff),
  }
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

/** What the outcome of creates depends on, and what becomes of them. How many are wanted is not among it. */
export const inputOf = (template: Stored<SandboxTemplate> | undefined): string =>
  `${template?.metadata.uid}/${template?.metadata.generation}`
