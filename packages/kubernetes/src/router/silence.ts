/** Runs out when nothing has been heard for a time. */
export class Silence implements Disposable {
  readonly #timer: NodeJS.Timeout
  #over = false

  constructor(afterMs: number, onEnd: () => void) {
    this.#timer = setTimeout(() => {
      this.#over = true
      onEnd()
    }, afterMs)
  }

  /** Something was heard: it begins anew. */
  readonly broken = (): void => {
    // Refreshing starts also what was cleared.
    if (!this.#over) this.#timer.refresh()
  };

  [Symbol.dispose](): void {
    this.#over = true
    clearTimeout(this.#timer)
  }
}
