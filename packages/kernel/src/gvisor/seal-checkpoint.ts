import { chmod, chown, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openPlainFile } from './open-plain-file.ts'

/**
 * From now on nobody puts anything into a checkpoint's folder, and whoever is handed a descriptor of it can read the files. They are on the
 * disk when this returns. `root`: the folder was the kernel's own user's until now; it is taken away first, then each file is looked at.
 * Rejects when there is anything but files in it.
 */
export async function sealCheckpoint(folder: string, root: boolean): Promise<void> {
  if (root) await chown(folder, 0, 0)
  await chmod(folder, 0o700)
  for (const name of await readdir(folder)) {
    await using file = await openPlainFile(join(folder, name))
    if (root) await file.chown(0, 0)
    await file.chmod(0o444)
    await file.sync()
  }
  // A folder that is closed for writing only root can remove.
  await chmod(folder, root ? 0o555 : 0o755)
}
