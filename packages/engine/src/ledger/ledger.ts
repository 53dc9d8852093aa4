import { closeSync, mkdirSync, openSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { failure } from '@bulkhead/wire'
import { Ballast } from './ballast.ts'
import { migrate } from './migrations.ts'
import { SandboxTable } from './sandbox-table.ts'
import { TemplateTable } from './template-table.ts'
import type { Writer } from './writer.ts'

/** Result codes of SQLite, https://www.sqlite.org/rescode.html */
const sqlite = { busy: 5, full: 13, cannotOpen: 14 } as const

const primaryCode = (error: unknown): number | undefined => {
  const code = (error as { errcode?: number }).errcode
  return code === undefined ? undefined : code & 0xff
}

/**
 * What this machine's sandboxes are: SQLite in `<directory>/ledger.db`, mode 0600, the only place where secrets are stored.
 *
 * The lock is SQLite's own, held from open to close (`locking_mode=EXCLUSIVE`): a POSIX record lock, which goes with its process however
 * that ends, so it is never stale. For the same reason nothing else in this process may open ledger.db: closing it would drop the lock.
 *
 * `synchronous=NORMAL`: a record is in the kernel's hands before what it announces happens, so it survives any death of the server.
 * Only a power cut can take the newest ones back, consistently, and it takes the kernels they tell of as well. (A write costs some 15 µs;
 * with a flush each, 0.25 ms on a fast virtual disk and tens of milliseconds on a slow one.)
 */
export class Ledger implements Writer {
  readonly sandboxes: SandboxTable
  readonly templates: TemplateTable
  /** Whether the server before this one, if there was one, stopped in order; from now on it counts as killed until it is closed. */
  readonly foundClean: boolean
  readonly #db: DatabaseSync
  readonly #ballast: Ballast
  readonly #directory: string

  private constructor(db: DatabaseSync, ballast: Ballast, directory: string) {
    this.#db = db
    this.#ballast = ballast
    this.#directory = directory
    this.sandboxes = new SandboxTable(db, this)
    this.templates = new TemplateTable(db, this)
    this.foundClean = db.prepare('SELECT stopped_cleanly FROM server').get()?.stopped_cleanly === 1
    db.exec('UPDATE server SET stopped_cleanly = 0')
  }

  /**
   * Makes the folder (0711: VMMs with uids of their own have their folders below it) and the ledger when missing. Opens on a full disk too:
   * the sandboxes that run must stay within reach. Fails `state_in_use`, `state_too_new`, `disk_full`.
   */
  static open(directory: string): Ledger {
    mkdirSync(directory, { recursive: true, mode: 0o711 })
    const ballast = new Ballast(join(directory, 'ballast'))
    const attempt = () => {
      const db = connect(directory)
      try {
        return new Ledger(db, ballast, directory)
      } catch (error) {
        db.close()
        throw error
      }
    }
    const ledger = retryWithout(ballast, directory, attempt)
    ledger.restoreBallast()
    return ledger
  }

  write<Result>(change: () => Result): Result {
    try {
      return change()
    } catch (error) {
      if (!saysFull(error, this.#directory)) throw error
      throw failure('disk_full', { directory: this.#directory }, { cause: error })
    }
  }

  writeEnd<Result>(change: () => Result): Result {
    return retryWithout(this.#ballast, this.#directory, change)
  }

  /** To be called when room has been made. */
  restoreBallast(): void {
    this.#ballast.load()
  }

  /** `clean`: nothing was left half-made, so that the next server need not look for it. */
  close(how: { clean: boolean }): void {
    if (how.clean) this.writeEnd(() => this.#db.exec('UPDATE server SET stopped_cleanly = 1'))
    this.#db.close()
    // SQLite has just removed its log, and a full disk may not have another moment with this much room.
    this.restoreBallast()
  }
}

/** SQLite says so, or could not make one of its files where not a block is free. */
const saysFull = (error: unknown, directory: string): boolean => {
  const code = primaryCode(error)
  return code === sqlite.full || (code === sqlite.cannotOpen && statfsSync(directory).bavail === 0)
}

/** Runs `change`; on a full disk once more, without the ballast. Fails `disk_full`, `state_in_use`. */
function retryWithout<Result>(ballast: Ballast, directory: string, change: () => Result): Result {
  for (;;) {
    try {
      return change()
    } catch (error) {
      if (primaryCode(error) === sqlite.busy) throw failure('state_in_use', { directory }, { cause: error })
      if (!saysFull(error, directory)) throw error
      if (!ballast.drop()) throw failure('disk_full', { directory }, { cause: error })
    }
  }
}

/** The database with its lock and the present schema. */
function connect(directory: string): DatabaseSync {
  const path = join(directory, 'ledger.db')
  createPrivate(path)
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    db.exec(
      'PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON'
    )
    db.exec(`PRAGMA wal_autocheckpoint=${reservedBytes / pageBytes}; BEGIN IMMEDIATE; COMMIT`)
    migrate(db, directory)
    reserve(db, directory)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

const pageBytes = 4096
const reservedBytes = 256 * 1024

/**
 * Makes database and write-ahead log as long as they need to be for what is to come: both are overwritten in place from then on (the log
 * from its beginning, after each checkpoint), so that to record the end of a sandbox takes no room that someone else could have taken.
 */
function reserve(db: DatabaseSync, directory: string): void {
  try {
    db.exec(`INSERT INTO reserve VALUES (zeroblob(${reservedBytes})); DELETE FROM reserve`)
  } catch (error) {
    // What follows then lives off the ballast.
    if (!saysFull(error, directory)) throw error
  }
}

/** SQLite makes its files with the umask; the write-ahead log takes the mode of the database. */
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
