import { rmSync, statSync, writeFileSync } from 'node:fs'

const ballastBytes = 256 * 1024

/**
 * A file of zeros that is thrown overboard when the disk is full, so that the ledger can still be opened, and record that a sandbox ends:
 * ending sandboxes is what makes room again.
 */
export class Ballast {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** Takes it aboard (again). Returns false when the disk has no room for it yet. */
  load(): boolean {
    if (statSync(this.#path, { throwIfNoEntry: false })?.size === ballastBytes) return true
    try {
      writeFileSync(this.#path, Buffer.alloc(ballastBytes), { mode: 0o600, flush: true })
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      // A part of it would be room taken without being room kept.
      rmSync(this.#path, { force: true })
      return false
    }
  }

  /** Returns false when there was nothing left to drop. */
  drop(): boolean {
    if (!statSync(this.#path, { throwIfNoEntry: false })) return false
    rmSync(this.#path)
    return true
  }
}
