export interface BackoffOptions {
  /** After the first failure, in ms. */
  readonly baseMs: number
  /** Never longer, in ms. */
  readonly maxMs: number
}

/** Doubles with each failure: `failures` 1 → base. */
export const exponentialMs = ({ baseMs, maxMs }: BackoffOptions, failures: number): number =>
  Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(failures - 1, 0), 52))

/**
 * Somewhere between nothing and {@link exponentialMs}: clients that failed together do not come back together.
 * The rule is "full jitter" of the AWS Architecture Blog's "Exponential Backoff And Jitter".
 */
export const fullJitterMs = (options: BackoffOptions, failures: number, random: () => number): number =>
  random() * exponentialMs(options, failures)
