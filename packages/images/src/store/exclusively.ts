import { DatabaseSync } from 'node:sqlite'

/** Another process holds the lock for some renames at most: far longer than that means it is stuck. */
const patienceMs = 30_000

/**
 * Runs `change` while no other process changes this store. The lock is SQLite's: the kernel lets go of it when its holder dies, in
 * whatever way. The change is synchronous, so it is short and nothing of this process comes between.
 */
export function exclusively<T>(lockFile: string, change: () => T): T {
  const database = new DatabaseSync(lockFile, { timeout: patienceMs })
  try {
    database.exec('BEGIN EXCLUSIVE')
    return change()
  } finally {
    database.close()
  }
}
