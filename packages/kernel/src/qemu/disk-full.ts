import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { failure, isFailure } from '@bulkhead/wire'

/**
 * Runs work that writes to `path`; when it fails because the disk, or this user's share of it, is full, the error is `disk_full`.
 * Tools and QEMU tell so in words only: those of the C library are looked for. QEMU whose memory is a file has no words: it dies of
 * SIGBUS. So a failure on a file system without room counts, too.
 */
export async function orDiskFull<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isFailure(error)) throw error
    if (saysDiskFull(error) || (await hasNoRoom(dirname(path))))
      throw failure('disk_full', { directory: dirname(path) }, { cause: error })
    throw error
  }
}

function saysDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') return true
  return /No space left on device|Disk quota exceeded/.test(error.message) || saysDiskFull(error.cause)
}

/** Less than this is no room: what was being written did not fit. */
const roomBytes = 64 * 1024

const hasNoRoom = (folder: string): Promise<boolean> =>
  statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize < roomBytes,
    // Gone, or not to be asked: then the first error is the one to tell.
    () => false
  )
