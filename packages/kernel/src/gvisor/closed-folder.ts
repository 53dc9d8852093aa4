import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The first of these paths, or of the folders above them, that other users may not pass or run; undefined when all may be. */
export async function closedTo(paths: readonly string[]): Promise<string | undefined> {
  for (const start of paths) {
    for (let path = start; path !== '/'; path = dirname(path)) {
      if (((await stat(path)).mode & 0o001) === 0) return path
    }
  }
  return undefined
}
