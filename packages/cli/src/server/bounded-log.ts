import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

/** Lines into a file that never holds more than `maxBytes`: then it becomes `<path>.1`, and the `.1` before it goes. */
export class BoundedLog {
  readonly #path: string
  readonly #maxBytes: number
  #descriptor: number
  #bytes: number
  #failed = false

  constructor(path: string, maxBytes: number) {
    this.#path = path
    this.#maxBytes = maxBytes
    this.#descriptor = openSync(path, 'a', 0o600)
    this.#bytes = fstatSync(this.#descriptor).size
  }

  /** Synchronous: the line that says why a process died is the one that counts. A full or broken disk loses lines, not the server. */
  write(line: string): void {
    try {
      if (this.#bytes + line.length > this.#maxBytes) this.#turn()
      this.#bytes += writeSync(this.#descriptor, line)
    } catch (error) {
      // There is no other place to say it; once is enough.
      if (!this.#failed) process.emitWarning(`the log ${this.#path} cannot be written: ${(error as Error).message}`)
      this.#failed = true
    }
  }

  /** Until the new file is there the old one stays in use. */
  #turn(): void {
    const next = `${this.#path}.next`
    const descriptor = openSync(next, 'w', 0o600)
    renameSync(this.#path, `${this.#path}.1`)
    renameSync(next, this.#path)
    closeSync(this.#descriptor)
    this.#descriptor = descriptor
    this.#bytes = 0
  }
}
