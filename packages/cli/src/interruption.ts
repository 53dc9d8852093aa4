import { constants } from 'node:os'
import { exitCodeOfSignal } from './exit-code.ts'

/** Signals that ask this process to end. */
const asking = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/** Why an operation was aborted; the exit code is the signal's. */
export class Interruption extends Error {
  override readonly name = 'Interruption'
  readonly signal: NodeJS.Signals

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`)
    this.signal = signal
  }

  get exitCode(): number {
    return exitCodeOfSignal(constants.signals[this.signal])
  }
}

/** Aborts on the first such signal; the clean-up that follows is not cut off by the next. Disposing gives the signals their usual meaning back. */
export function abortOnInterruption(): { signal: AbortSignal } & Disposable {
  const controller = new AbortController()
  const onSignal = (signal: NodeJS.Signals) => controller.abort(new Interruption(signal))
  for (const name of asking) process.on(name, onSignal)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of asking) process.removeListener(name, onSignal)
    },
  }
}
