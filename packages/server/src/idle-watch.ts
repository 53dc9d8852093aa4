export interface IdleOptions {
  /** How long nothing may be open before the server counts as idle, in milliseconds. */
  readonly afterMs: number
  /** Called once. The server still runs: who started it closes it. */
  readonly onIdle: () => void
}

/** Tells when no request is open, none came for a while and the backend needs this process for nothing. */
export class IdleWatch implements Disposable {
  readonly #options: IdleOptions
  readonly #busy: () => number
  #open = 0
  #timer: NodeJS.Timeout | undefined
  #done = false

  /** `busy`: how many things need this process though no request is open. */
  constructor(options: IdleOptions, busy: () => number) {
    this.#options = options
    this.#busy = busy
    this.#arm()
  }

  enter(): void {
    this.#open += 1
    clearTimeout(this.#timer)
  }

  leave(): void {
    this.#open -= 1
    if (this.#open === 0) this.#arm()
  }

  [Symbol.dispose](): void {
    this.#done = true
    clearTimeout(this.#timer)
  }

  #arm(): void {
    if (this.#done) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#elapsed(), this.#options.afterMs).unref()
  }

  #elapsed(): void {
    // The backend has no event for "no longer busy"; the next look is a whole period away, so this costs nothing.
    if (this.#busy() > 0) {
      this.#arm()
    } else {
      this[Symbol.dispose]()
      this.#options.onIdle()
    }
  }
}
