/** Keeps the beginning and the end of what a program said, so that a flood costs a few kB. A crash names its reason first, a tool last. */
export class Tail {
  readonly #headBytes: number
  readonly #tailBytes: number
  #head = ''
  #tail = ''
  #dropped = false

  constructor(headBytes = 2048, tailBytes = 4096) {
    this.#headBytes = headBytes
    this.#tailBytes = tailBytes
  }

  push(text: string): void {
    const room = this.#headBytes - this.#head.length
    this.#head += text.slice(0, Math.max(0, room))
    this.#tail += text.slice(Math.max(0, room))
    if (this.#tail.length > this.#tailBytes) {
      this.#dropped = true
      this.#tail = this.#tail.slice(-this.#tailBytes)
    }
  }

  toString(): string {
    return this.#head + (this.#dropped ? '\n…\n' : '') + this.#tail
  }
}

/** Makes foreign words fit for a message: one line, no control characters, at most `max` characters, the end kept. */
export function lastWords(text: string, max = 300): string {
  const line = text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim()
  return line.length <= max ? line : `…${line.slice(1 - max)}`
}
