import type { Logger } from './config.ts'

/** What nobody waits for: its failures are logged, and the engine's stop waits for it. */
export class Background {
  readonly #log: Logger
  readonly #tasks = new Set<Promise<void>>()

  constructor(log: Logger) {
    this.#log = log
  }

  run(name: string, task: () => Promise<unknown>): void {
    const running: Promise<void> = task()
      .then(
        () => {},
        (error) => this.#log.error({ err: error }, name)
      )
      .finally(() => this.#tasks.delete(running))
    this.#tasks.add(running)
  }

  async idle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks)
  }
}
