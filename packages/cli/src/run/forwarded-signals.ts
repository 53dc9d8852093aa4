import { constants } from 'node:os'
import { Interruption } from '../interruption.ts'
import { within } from './within.ts'

/** How long the guest may take to say that the command has the signal. */
const deliveryMs = 3000
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/**
 * What asks this process to end is passed on to the command while it runs; the command decides what to do with it. Before and after, when it cannot be
 * passed on, and when the same is asked a second time, everything ends: `signal` aborts, with an {@link Interruption}.
 */
export class ForwardedSignals implements Disposable {
  readonly #controller = new AbortController()
  readonly #seen = new Set<NodeJS.Signals>()
  #target: ((number: number) => Promise<boolean>) | undefined
  readonly #onSignal = (name: NodeJS.Signals): void => this.#take(name)

  constructor() {
    for (const name of forwarded) process.on(name, this.#onSignal)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Until that is disposed `send` gets them, as Linux numbers. It says whether the command took it. */
  forwardTo(send: (number: number) => Promise<boolean>): Disposable {
    this.#target = send
    return {
      [Symbol.dispose]: () => {
        if (this.#target === send) this.#target = undefined
      },
    }
  }

  [Symbol.dispose](): void {
    for (const name of forwarded) process.removeListener(name, this.#onSignal)
  }

  #take(name: NodeJS.Signals): void {
    const again = this.#seen.has(name)
    this.#seen.add(name)
    const end = () => this.#controller.abort(new Interruption(name))
    if (!this.#target || again) {
      end()
      return
    }
    // One that is not delivered must not be lost: then it ends everything.
    within(deliveryMs, this.#target(constants.signals[name]), false).then((taken) => {
      if (!taken) end()
    }, end)
  }
}
