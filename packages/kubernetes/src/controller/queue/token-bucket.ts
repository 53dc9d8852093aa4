export interface TokenBucketOptions {
  /** Tokens a second; negative: without limit (the meaning of `kube-api-qps`, where -1 is unlimited). */
  readonly perSecond: number
  /** How many may be taken at once after a rest. At least 1. */
  readonly burst: number
}

/** Pure: told the time, it tells how long to wait. */
export class TokenBucket {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #at = Number.NEGATIVE_INFINITY

  constructor({ perSecond, burst }: TokenBucketOptions) {
    this.#perMs = perSecond < 0 ? Number.POSITIVE_INFINITY : perSecond / 1000
    this.#burst = Math.max(1, burst)
    this.#tokens = this.#burst
  }

  get unlimited(): boolean {
    return this.#perMs === Number.POSITIVE_INFINITY
  }

  /** Takes a token if there is one. Otherwise takes nothing, and says in how many ms there will be one (Infinity at a rate of 0). */
  tryTake(now: number): number {
    if (this.unlimited) return 0
    this.#refill(now)
    // Not a whole token by a rounding error is a token: waiting for the rest would ask for a timer of 0 ms.
    if (this.#tokens >= 1 - 1e-6) {
      this.#tokens -= 1
      return 0
    }
    return this.#waitMs()
  }

  /** Takes one in any case, and says after how many ms it is due: callers that all wait are spread over time. */
  reserve(now: number): number {
    if (this.unlimited) return 0
    this.#refill(now)
    this.#tokens -= 1
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs
  }

  #waitMs(): number {
    return (1 - this.#tokens) / this.#perMs
  }

  #refill(now: number): void {
    const passedMs = now - this.#at
    if (passedMs <= 0) return
    this.#tokens = passedMs === Number.POSITIVE_INFINITY ? this.#tokens : this.#tokens + passedMs * this.#perMs
    this.#tokens = Math.min(this.#burst, this.#tokens)
    this.#at = now
  }
}
