import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { removeTree } from '../confine/remove-tree.ts'
import type { RunFolder } from './run-folder.ts'

/**
 * Makes a kernel's run folder with its bundle. `uid`: who runsc will be; undefined: this user. Returns an undo. Rejects with `EEXIST` when
 * there is a folder of that id: two kernels must not share one.
 */
export async function prepareFolder(
  folder: RunFolder,
  config: object,
  uid: number | undefined
): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack()
  await mkdir(folder.path)
  undo.defer(() => removeTree(folder.path))
  for (const path of [folder.bundle, folder.emptyRoot]) await mkdir(path)
  // Past the umask, whatever it is: the kernel's user must be able to pass.
  for (const path of [folder.path, folder.bundle, folder.emptyRoot]) await chmod(path, 0o711)
  await mkdir(folder.runscRoot, { mode: 0o700 })
  // It holds the channel's key.
  await writeFile(folder.config, JSON.stringify(config), { mode: 0o400 })
  // The empty root too: where there is no image, runsc makes its mount points in it.
  if (uid !== undefined)
    for (const path of [folder.runscRoot, folder.config, folder.emptyRoot]) await chown(path, uid, uid)
  return undo.move()
}
