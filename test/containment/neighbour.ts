import { setTimeout as sleep } from 'node:timers/promises'
import type { Sandbox } from '@bulkhead/sdk/node'

/**
 * A sandbox that is asked something every 50 ms for as long as this lives. What counts is that every request is answered, and rightly;
 * how fast is for the benchmarks.
 */
export class Neighbour implements AsyncDisposable {
  answered = 0
  readonly failures: string[] = []
  readonly #sandbox: Sandbox
  readonly #stop = new AbortController()
  readonly #asking: Promise<void>

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox
    this.#asking = this.#ask()
  }

  async #ask(): Promise<void> {
    for (let turn = 0; !this.#stop.signal.aborted; turn++) {
      try {
        const { stdout, exit } = await this.#sandbox.run(['echo', `turn ${turn}`], { timeoutMs: 30_000 })
        const said = new TextDecoder().decode(stdout)
        if (said === `turn ${turn}\n` && exit.kind === 'exited' && exit.code === 0) this.answered++
        else this.failures.push(`turn ${turn}: ${JSON.stringify({ said, exit })}`)
      } catch (error) {
        this.failures.push(`turn ${turn}: ${String(error)}`)
      }
      await sleep(50)
    }
  }

  /** Resolves when the request under way has been answered. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#asking
  }
}
