import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

/** Lines into a file that never holds more than `maxBytes`: then it becomes `<path>.1`, and the `.1` before it goes. */
export class BoundedLog {
  readonly #path: string
  readonly #maxBytes: number
  #descriptor: number
  #bytes: number

  constructor(path: string, maxBytes: number) {
    this.#path = path
    this.#maxBytes = maxBytes
    this.#descriptor = openSync(path, 'a', 0o600)
    this.#bytes = fstatSync(this.#descriptor).size
  }

  /** Synchronous: the line that says why a process died is the one that counts. A full disk loses lines, not the server. */
  write(line: string): void {
    try {
      if (this.#bytes + line.length > this.#maxBytes) this.#turn()
      this.#bytes += writeSync(this.#descriptor, line)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }

  #turn(): void {
    renameSync(this.#path, `${this.#path}.1`)
    closeSync(this.#descriptor)
    this.#descriptor = openSync(this.#path, 'a', 0o600)
    this.#bytes = 0
  }
}
