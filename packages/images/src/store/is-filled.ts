import { statSync } from 'node:fs'

/** A file with something in it. What has its name was whole once; a user, or a repaired file system, may have taken it away or emptied it. */
export const isFilled = (path: string): boolean => {
  const found = statSync(path, { throwIfNoEntry: false })
  return Boolean(found?.isFile() && found.size > 0)
}
