/**
 * Bytes collected up to a bound, in one buffer that grows with them. Pieces are copied: a piece is mostly a view, and one byte of it would keep the
 * whole message that it came in; and many pieces cost no more than few.
 */
export class BoundedBuffer {
  readonly #limit: number
  #bytes = new Uint8Array(0)
  #size = 0
  #truncated = false

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#size
  }

  /** More was given than is kept. */
  get truncated(): boolean {
    return this.#truncated
  }

  /** Takes what there is room for. */
  add(chunk: Uint8Array): void {
    const room = this.#limit - this.#size
    const taken = chunk.byteLength <= room ? chunk : chunk.subarray(0, room)
    this.#truncated ||= taken.byteLength < chunk.byteLength
    this.#reserve(this.#size + taken.byteLength)
    this.#bytes.set(taken, this.#size)
    this.#size += taken.byteLength
  }

  /** What was taken so far. A view: good until more is added. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size)
  }

  #reserve(needed: number): void {
    const { byteLength } = this.#bytes
    if (needed <= byteLength) return
    const larger = new Uint8Array(Math.min(this.#limit, Math.max(needed, byteLength * 2)))
    larger.set(this.bytes())
    this.#bytes = larger
  }
}
