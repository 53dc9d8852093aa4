import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'

/** Where a system's own programs are; not `PATH`, which the caller's environment may have bent. */
const folders = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']

/** The absolute path of a system program, or undefined when it is not installed. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name)
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false
    )
    if (found) return path
  }
  return undefined
}
