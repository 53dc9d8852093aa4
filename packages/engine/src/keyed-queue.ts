/** Runs tasks of one key one after the other, in the order given; those of different keys at the same time. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<void>>()

  /** Resolves or rejects as `task` does; a task that fails does not stop those behind it. */
  run<Result>(key: string, task: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(key) ?? Promise.resolve()
    const result = before.then(task)
    const tail: Promise<void> = result.then(
      () => this.#forget(key, tail),
      () => this.#forget(key, tail)
    )
    this.#tails.set(key, tail)
    return result
  }

  /** Whether a task of this key runs or waits. */
  isBusy(key: string): boolean {
    return this.#tails.has(key)
  }

  /** How many keys have a task that runs or waits. */
  get size(): number {
    return this.#tails.size
  }

  /** Resolves when nothing runs or waits, whatever was added meanwhile. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values())
  }

  #forget(key: string, tail: Promise<void>): void {
    if (this.#tails.get(key) === tail) this.#tails.delete(key)
  }
}
