import { chmod, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { failure } from '@bulkhead/wire'
import type { Progress } from './contract.ts'
import { syncFile } from './store/durable-file.ts'
import { boxRoot, runBoxed } from './tool/run-boxed.ts'
import { toolFailure } from './tool/run-tool.ts'

/** The same in every image: what tells images apart is their digest. */
const fileSystemUuid = '00000000-0000-4000-8000-000000000000'

/**
 * Packs `work/rootfs` into `work/rootfs.erofs`: one file that both runtimes mount as it is, and that is the same for the same tree.
 * Uncompressed and without inline data, because gVisor maps the file and reads whole blocks. `newestSeconds` is the image's age:
 * later times, which only this unpacking made, become it. Returns the file's size in bytes. Fails `disk_full`, `host_tool_failed`.
 */
export async function packErofs(
  work: string,
  options: { readonly newestSeconds: number; readonly entries: number },
  progress: Progress,
  signal: AbortSignal
): Promise<number> {
  let files = 0
  const onLine = () => {
    files += 1
    if (files % 512 === 0) progress({ step: 'packing', fraction: Math.min(1, files / Math.max(1, options.entries)) })
  }
  progress({ step: 'packing', fraction: 0 })
  const args = ['-E', 'noinline_data', '-U', fileSystemUuid, `${boxRoot}/rootfs.erofs`, `${boxRoot}/rootfs`]
  const end = await runBoxed(work, 'mkfs.erofs', args, {
    signal,
    onLine,
    boxEnv: { SOURCE_DATE_EPOCH: String(options.newestSeconds) },
  })
  if (end.exitCode !== 0) {
    // It says that it could not write, and not why.
    if (await isFull(work)) throw failure('disk_full', { directory: work }, { cause: end.said })
    throw toolFailure('mkfs.erofs', end, work)
  }
  const image = join(work, 'rootfs.erofs')
  await chmod(image, 0o444)
  await syncFile(image)
  return (await stat(image)).size
}

/** mkfs.erofs writes some blocks at a time: less room than this, and it failed for want of it. */
async function isFull(directory: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize < 256 * 1024
}
