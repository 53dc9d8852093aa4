import type { SandboxClaim } from '../api/index.ts'
import { type Clock, objectKey, type Stored } from '../controller/index.ts'

/** What this process remembers of a claim, and can do without: it ends with the process. */
export interface Arrival {
  readonly uid: string
  /** Counts the claims as they came. */
  readonly order: number
  /**
   * On the monotonic clock. How old a claim is cannot be told from its creationTimestamp: that is in whole seconds, and of another machine's clock.
   */
  readonly sinceMs: number
  /** RFC 3339 with nanoseconds. */
  readonly observedAt: string
  /** When it was first seen to be Ready. */
  readyAt?: string
  /** When it was first seen to have a Sandbox, on the monotonic clock. */
  boundAtMs?: number
  /** Its becoming Ready has been counted. */
  counted?: true
}

/** When each claim was first seen. */
export class Arrivals {
  readonly #clock: Clock
  readonly #arrivals = new Map<string, Arrival>()
  #count = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  of(claim: Stored<SandboxClaim>): Arrival {
    const key = objectKey(claim)
    const { uid } = claim.metadata
    const known = this.#arrivals.get(key)
    if (known?.uid === uid) return known
    const arrival = { uid, order: this.#count++, sinceMs: this.#clock.now(), observedAt: this.nowText() }
    this.#arrivals.set(key, arrival)
    return arrival
  }

  forget(key: string): void {
    this.#arrivals.delete(key)
  }

  /** The wall clock as the annotations have it. */
  nowText(): string {
    return nanoseconds(this.#clock.wall())
  }
}

/** RFC 3339 with the nine digits that readers in Go expect; the last six are not known here. */
export const nanoseconds = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(0, -1)}000000Z`
