import { setTimeout as sleep } from 'node:timers/promises'
import type { Sandbox } from '@bulkhead/sdk/node'

const everyMs = 50
const answerWithinMs = 10_000

/**
 * A sandbox that is asked something every 50 ms for as long as this lives, or as soon as the last answer is there where that takes longer.
 * What counts is that every request is answered, rightly and within 10 s; how fast is for the benchmarks.
 */
export class Neighbour implements AsyncDisposable {
  answered = 0
  readonly failures: string[] = []
  readonly #sandbox: Sandbox
  readonly #stop = new AbortController()
  readonly #asking: Promise<void>
  #heard = Promise.withResolvers<void>()

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox
    this.#asking = this.#ask()
  }

  /** Resolves when it has been asked that often again, whatever it answered. */
  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn++) await this.#heard.promise
  }

  async #ask(): Promise<void> {
    for (let turn = 0; !this.#stop.signal.aborted; turn++) {
      const next = sleep(everyMs)
      try {
        const { stdout, exit } = await this.#sandbox.run(['echo', `turn ${turn}`], {
          timeoutMs: answerWithinMs,
          signal: AbortSignal.timeout(answerWithinMs),
        })
        const said = new TextDecoder().decode(stdout)
        if (said === `turn ${turn}\n` && exit.kind === 'exited' && exit.code === 0) this.answered++
        else this.failures.push(`turn ${turn}: ${JSON.stringify({ said, exit })}`)
      } catch (error) {
        this.failures.push(`turn ${turn}: ${String(error)}`)
      }
      this.#heard.resolve()
      this.#heard = Promise.withResolvers()
      await next
    }
  }

  /** Resolves when the request under way has been answered. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#asking
  }
}
