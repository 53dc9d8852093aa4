import type { Readable } from 'node:stream'

/** Reads a stream to its end and keeps the last of it: whoever writes can neither block nor fill anything. */
export class BoundedTail {
  readonly #maxBytes: number
  #kept: Buffer = Buffer.alloc(0)

  constructor(stream: Readable, maxBytes: number) {
    this.#maxBytes = maxBytes
    stream.on('data', (chunk: Buffer) => {
      const all = chunk.length >= maxBytes ? chunk : Buffer.concat([this.#kept, chunk])
      this.#kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#maxBytes)))
    })
    stream.on('error', () => {})
  }

  get text(): string {
    return this.#kept.toString('utf8')
  }
}
