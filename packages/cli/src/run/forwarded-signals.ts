import { constants } from 'node:os'
import { Interruption } from '../interruption.ts'

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/**
 * What asks this process to end is passed on to the command, once it runs; the command decides what to do with it. Before it runs, and when the same is
 * asked a second time, everything ends: `signal` aborts, with an {@link Interruption}.
 */
export class ForwardedSignals implements Disposable {
  readonly #controller = new AbortController()
  readonly #seen = new Set<NodeJS.Signals>()
  #target: ((number: number) => Promise<void>) | undefined
  readonly #onSignal = (name: NodeJS.Signals): void => this.#take(name)

  constructor() {
    for (const name of forwarded) process.on(name, this.#onSignal)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** From now on `send` gets them, as Linux numbers. */
  forwardTo(send: (number: number) => Promise<void>): void {
    this.#target = send
  }

  [Symbol.dispose](): void {
    for (const name of forwarded) process.removeListener(name, this.#onSignal)
  }

  #take(name: NodeJS.Signals): void {
    const again = this.#seen.has(name)
    this.#seen.add(name)
    const end = () => this.#controller.abort(new Interruption(name))
    if (!this.#target || again) end()
    // One that cannot be delivered must not be lost: then it ends everything.
    else this.#target(constants.signals[name]).catch(end)
  }
}
