import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'

/** A link is refused (`ELOOP`) instead of followed, and a pipe that nobody writes to is opened at once instead of never. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Opens, for reading, a file in a folder that a kernel's own user can write to. Whoever has broken out of the kernel may have put something
 * else there: a link or a second name would have this process, which is root, read or change any file of the host, and a pipe would hold
 * one of the few threads that do its file work, for good. Rejects then, and with the system's error (`ENOENT`, …).
 */
export async function openPlainFile(path: string): Promise<FileHandle> {
  const replaced = (cause?: unknown) =>
    new Error(`something else has been put in the place of ${basename(path)}`, { cause })
  const file = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ELOOP' || error.code === 'ENXIO' ? replaced(error) : error
  })
  try {
    const found = await file.stat()
    if (!found.isFile() || found.nlink !== 1) throw replaced()
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}
