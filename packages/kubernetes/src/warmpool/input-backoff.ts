import { type BackoffOptions, exponentialMs } from '../controller/index.ts'

export interface InputBackoffOptions extends BackoffOptions {
  /** Without a failure for so long, the next one counts as the first. Default: never. */
  readonly forgetAfterMs?: number
}

/**
 * Back-off between attempts that depend on an input: when it changes (somebody has mended the template), the next attempt need not wait. The queue's
 * own back-off would not do: a pool's key comes back with every change of a member.
 */
export class InputBackoff {
  readonly #options: InputBackoffOptions
  #input: string | undefined
  #failures = 0
  #failedAt = 0

  constructor(options: InputBackoffOptions) {
    this.#options = options
  }

  /** In how many ms the next attempt may be made; 0: now. */
  waitMs(input: string, now: number): number {
    if (this.#failures === 0 || input !== this.#input) return 0
    return Math.max(0, this.#failedAt + exponentialMs(this.#options, this.#failures) - now)
  }

  failed(input: string, now: number): void {
    const { forgetAfterMs = Number.POSITIVE_INFINITY } = this.#options
    if (input !== this.#input || now - this.#failedAt >= forgetAfterMs) this.#failures = 0
    this.#input = input
    this.#failures += 1
    this.#failedAt = now
  }

  succeeded(): void {
    this.#failures = 0
  }
}
