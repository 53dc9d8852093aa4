import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'

/**
 * Removes a file or folder with all that is in it; fine when it is gone already. Follows no link. For folders that a kernel's own user could
 * write to, after its last process: a broken-out kernel may have nested folders deeper than the longest path Linux takes, which Node's own
 * removal gives up on. `rm` walks with descriptors and gets to their end.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENAMETOOLONG') throw error
    await promisify(execFile)('/bin/rm', ['-rf', '--one-file-system', '--', path], { env: {}, maxBuffer: 1024 * 1024 })
  }
}
