/**
 * Finds one byte pattern in a stream of chunks, wherever the chunks are cut, in constant memory. What comes before it is thrown away,
 * but counted: a peer that never says it must not be listened to for ever.
 */
export class ByteSeeker {
  readonly #pattern: Buffer
  readonly #maxDiscardedBytes: number
  /** The last bytes seen, at most one less than the pattern: they may be its beginning. */
  #tail: Buffer = Buffer.alloc(0)
  #discardedBytes = 0

  constructor(pattern: Buffer, maxDiscardedBytes: number) {
    this.#pattern = pattern
    this.#maxDiscardedBytes = maxDiscardedBytes
  }

  /** Takes the next chunk. Returns what follows the pattern, or undefined when it has not been seen yet. Throws `RangeError` past the bound. */
  seek(chunk: Buffer): Buffer | undefined {
    const window = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk])
    const at = window.indexOf(this.#pattern)
    if (at >= 0) return window.subarray(at + this.#pattern.length)
    const keep = Math.min(window.length, this.#pattern.length - 1)
    this.#discardedBytes += window.length - keep
    if (this.#discardedBytes > this.#maxDiscardedBytes) {
      throw new RangeError(`the guest sent more than ${this.#maxDiscardedBytes} bytes and no answer to the handshake`)
    }
    // A copy, so that the chunk's memory is not held by its last few bytes.
    this.#tail = Buffer.from(window.subarray(window.length - keep))
    return undefined
  }
}
