/**
 * The guest kills a process when its time is over, and says so; it has this much longer until it is not believed any more. The same again
 * for what is left to be read then.
 */
const graceMs = 2000
/** More than the buffers between a process and us hold of what it had printed when its time was over. */
const leftoverBytes = 4 * 1024 * 1024
/** What a message counts beside its output. */
const messageBytes = 64
/** What a timer can wait at most. */
const longestMs = 2 ** 31 - 1

/** The time was over, and the guest had not said that the process has ended. */
export class TimeIsUp extends Error {
  override readonly name = 'TimeIsUp'
}

/**
 * A process's time as it is held on this side, from the call that starts it. The guest holds it, too, but is not to be trusted with it.
 *
 * A reader of the output that is slower than the process is not the guest's fault: what the process had printed in time is still read then. So the
 * time that our side needs does not count by itself; but after the limit little more is taken, in bytes and in waiting.
 */
export class TimeLimit implements Disposable {
  readonly #endsAt: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isOver = false
  #giveUp: (() => void) | undefined
  #leftMs = graceMs
  #leftBytes = leftoverBytes

  /** Undefined: without limit. */
  constructor(timeoutMs: number | undefined) {
    if (timeoutMs === undefined) return
    this.#endsAt = performance.now() + timeoutMs + graceMs
    this.#arm(this.#endsAt)
  }

  /** Waits for the guest. Rejects {@link TimeIsUp} when the time is over. */
  wait<Answer>(answer: Promise<Answer>): Promise<Answer> {
    if (this.#endsAt === undefined) return answer
    return new Promise((resolve, reject) => {
      const since = performance.now()
      const late = this.#isOver
      const giveUp = () => reject(new TimeIsUp('the time of the process is over'))
      if (late && (this.#leftMs <= 0 || this.#leftBytes <= 0)) giveUp()
      const timer = late ? setTimeout(giveUp, this.#leftMs) : undefined
      if (!late) this.#giveUp = giveUp
      answer.then(resolve, reject).finally(() => {
        clearTimeout(timer)
        if (late) this.#leftMs -= performance.now() - since
        else this.#giveUp = undefined
      })
    })
  }

  /** A message with so much output came. */
  took(bytes: number): void {
    if (this.#isOver) this.#leftBytes -= bytes + messageBytes
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }

  #arm(endsAt: number): void {
    const left = endsAt - performance.now()
    if (left > 0) {
      this.#timer = setTimeout(() => this.#arm(endsAt), Math.min(left, longestMs))
      return
    }
    this.#isOver = true
    this.#giveUp?.()
  }
}
