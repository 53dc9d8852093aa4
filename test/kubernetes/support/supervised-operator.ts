import { type End, type OperatorOptions, OperatorProcess } from './operator-process.ts'

/** An operator that is started again when it ends by itself, as Kubernetes does: it may end when it can no longer prove that it leads. */
export class SupervisedOperator implements AsyncDisposable {
  /** How it ended, each time. */
  readonly ends: End[] = []
  readonly #options: OperatorOptions
  #current: OperatorProcess
  #stopping = false
  readonly #supervising: Promise<void>

  private constructor(options: OperatorOptions, first: OperatorProcess) {
    this.#options = options
    this.#current = first
    this.#supervising = this.#supervise()
  }

  static async start(options: OperatorOptions): Promise<SupervisedOperator> {
    const first = await OperatorProcess.start(options)
    const supervised = new SupervisedOperator(options, first)
    await first.ready()
    return supervised
  }

  get current(): OperatorProcess {
    return this.#current
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    await this.#current[Symbol.asyncDispose]()
    await this.#supervising
  }

  async #supervise(): Promise<void> {
    for (;;) {
      const end = await this.#current.ended
      if (this.#stopping) return
      this.ends.push(end)
      await this.#current[Symbol.asyncDispose]()
      this.#current = await OperatorProcess.start(this.#options)
      // Told to stop while it was being started.
      if (this.#stopping) await this.#current[Symbol.asyncDispose]()
    }
  }
}
