/** Bytes that may wait for a reader before the sender is held back. */
const highWaterBytes = 1024 * 1024

/** What a process wrote and nobody has read yet. One reader; iterating twice continues where the first stopped. */
export class OutputQueue implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = []
  #size = 0
  #ended = false
  #error: unknown
  #arrived: (() => void) | undefined
  #room: (() => void) | undefined

  /** Undefined, or what to wait for before the next push. */
  push(chunk: Uint8Array): Promise<void> | undefined {
    this.#chunks.push(chunk)
    this.#size += chunk.byteLength
    this.#arrived?.()
    if (this.#size < highWaterBytes) return undefined
    return new Promise((resolve) => {
      this.#room = resolve
    })
  }

  end(error?: unknown): void {
    this.#ended = true
    this.#error = error
    this.#arrived?.()
    this.#room?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk) {
        this.#size -= chunk.byteLength
        if (this.#size < highWaterBytes) this.#room?.()
        yield chunk
      } else if (this.#ended) {
        if (this.#error !== undefined) throw this.#error
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#arrived = resolve
        })
      }
    }
  }
}
