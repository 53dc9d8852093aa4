import { concat } from '../http/read-all.ts'

/** One message to the guest carries at most this much: large enough to fill the channel, small enough for the agent's limits. */
const messageBytes = 256 * 1024

/**
 * Input for a process, in order, one message under way at a time. What comes meanwhile goes out together with the next: the round trip
 * is paid per message, not per write.
 */
export class InputQueue {
  readonly #send: (data: Uint8Array) => Promise<boolean>
  #waiting: Uint8Array[] = []
  #running: Promise<boolean> | undefined
  #closed = false

  /** `send`: false when the process takes no more input. */
  constructor(send: (data: Uint8Array) => Promise<boolean>) {
    this.#send = send
  }

  /** Resolves when the chunk is in the process's stdin; false: nobody reads there any more, and further input can be dropped. */
  async write(chunk: Uint8Array): Promise<boolean> {
    if (this.#closed) return false
    if (chunk.byteLength > 0) this.#waiting.push(chunk)
    // What is under way does not have the chunk yet; the round after it does.
    if (this.#running) await this.#running
    return this.#flush()
  }

  #flush(): Promise<boolean> {
    this.#running ??= this.#drain().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #drain(): Promise<boolean> {
    while (this.#waiting.length > 0 && !this.#closed) {
      const data = concat(this.#waiting)
      this.#waiting = []
      for (let at = 0; at < data.byteLength && !this.#closed; at += messageBytes)
        if (!(await this.#send(data.subarray(at, at + messageBytes)))) this.#closed = true
    }
    this.#waiting = []
    return !this.#closed
  }
}
