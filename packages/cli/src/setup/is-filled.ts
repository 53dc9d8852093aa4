import { statSync } from 'node:fs'

/** A file with something in it: what a full disk or a power cut leaves is often there, and empty. */
export const isFilled = (path: string): boolean => {
  const found = statSync(path, { throwIfNoEntry: false })
  return Boolean(found?.isFile() && found.size > 0)
}
