/** What is remembered of Sandboxes from pass to pass, by uid: all of it may be lost, at the price of a request or an event. */
export class SandboxMemory {
  /** Whose volume claims have been found in place. */
  readonly volumesInPlace = new Set<string>()
  /** Whose name cannot be that of a Service; people have been told. */
  readonly withoutService = new Set<string>()
  /** Whose status waits for what comes next, and since when, in ms of the monotonic clock. */
  readonly settling = new Map<string, { readonly stage: string; readonly sinceMs: number }>()

  forget(uid: string): void {
    this.volumesInPlace.delete(uid)
    this.withoutService.delete(uid)
    this.settling.delete(uid)
  }
}
