/** A line was longer than allowed; what follows it cannot be trusted to be a line. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError'
  readonly limitBytes: number

  constructor(limitBytes: number) {
    super(`a line is longer than ${limitBytes} bytes`)
    this.limitBytes = limitBytes
  }
}

const newline = 0x0a

/** Cuts a stream of bytes into lines. The rest without an end of line is never given out: the stream was cut in the middle of it. */
export class LineSplitter {
  readonly #limitBytes: number
  #parts: Buffer[] = []
  #size = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** The lines that end in `chunk`, without their ends; empty ones are left out. Throws {@link LineTooLongError}. */
  push(chunk: Buffer): string[] {
    const lines: string[] = []
    let from = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      this.#keep(chunk.subarray(from, end))
      from = end + 1
      if (this.#size > 0)
        lines.push(this.#parts.length === 1 ? String(this.#parts[0]) : String(Buffer.concat(this.#parts)))
      this.#parts = []
      this.#size = 0
    }
    this.#keep(chunk.subarray(from))
    return lines
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return
    this.#size += part.length
    if (this.#size > this.#limitBytes) throw new LineTooLongError(this.#limitBytes)
    this.#parts.push(part)
  }
}
