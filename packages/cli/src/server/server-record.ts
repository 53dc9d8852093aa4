import { readFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'

/** Who serves, for the next command to read before it connects. A left-over one is harmless: its socket refuses. */
export interface ServerRecord {
  readonly pid: number
  /** Of the sources the server was started from: see {@link sourceKey}. */
  readonly sourceKey: string
  /** RFC 3339. */
  readonly startedAt: string
}

export function readServerRecord(path: string): ServerRecord | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ServerRecord
  } catch (error) {
    // Written whole (renamed into place) by a process of this user: anything else is as good as none.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Disposing removes it if it is still ours. */
export async function writeServerRecord(path: string, record: ServerRecord): Promise<AsyncDisposable> {
  const draft = `${path}.${process.pid}`
  await writeFile(draft, JSON.stringify(record), { mode: 0o600 })
  await rename(draft, path)
  return {
    async [Symbol.asyncDispose]() {
      if (readServerRecord(path)?.pid === record.pid) await rm(path, { force: true })
    },
  }
}
