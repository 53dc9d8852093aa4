/**
 * The right to write, for as long as it can be proven. A client bound to it (`ApiClient.with({ fence })`) sends no write that the fence does not
 * allow at the moment its first byte would go out.
 */
export interface Fence {
  /** Aborts when the right is lost. It may come late, when the process had no time to run its timers: {@link assertHeld} does not. */
  readonly signal: AbortSignal
  /** Throws when the right cannot be proven now: asks the clock, not a timer. */
  assertHeld(): void
}
