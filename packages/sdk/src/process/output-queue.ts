import { BoundedBuffer } from '../http/bounded-buffer.ts'

/** Bytes that may wait for a reader before the sender is held back. */
const highWaterBytes = 1024 * 1024
/** Chunks are put together up to this size: a million chunks of one byte cost what a few blocks cost. */
const blockBytes = 64 * 1024

/** What a process wrote and nobody has read yet. One reader; iterating twice continues where the first stopped. */
export class OutputQueue implements AsyncIterable<Uint8Array> {
  readonly #blocks: BoundedBuffer[] = []
  #size = 0
  #ended = false
  #error: unknown
  #arrived: (() => void) | undefined
  #room: (() => void) | undefined

  /** Copies the chunk. Undefined, or what to wait for before the next push. */
  push(chunk: Uint8Array): Promise<void> | undefined {
    if (chunk.byteLength > 0) {
      this.#append(chunk)
      this.#arrived?.()
    }
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
      const block = this.#blocks.shift()
      if (block) {
        this.#size -= block.size
        if (this.#size < highWaterBytes) this.#room?.()
        yield block.bytes()
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

  /** Of two blocks side by side at least one is half full, so their number is bounded by the bytes. */
  #append(chunk: Uint8Array): void {
    this.#size += chunk.byteLength
    const last = this.#blocks.at(-1)
    if (last && last.size + chunk.byteLength <= blockBytes) {
      last.add(chunk)
      return
    }
    const block = new BoundedBuffer(Math.max(blockBytes, chunk.byteLength))
    block.add(chunk)
    this.#blocks.push(block)
  }
}
