import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { failure } from '@bulkhead/wire'
import type { Progress } from '../contract.ts'
import { boxRoot, runBoxed } from '../tool/run-boxed.ts'
import { saysDiskFull } from '../tool/run-tool.ts'
import { lastWords } from '../tool/tail.ts'
import { layoutTag } from './skopeo.ts'

/**
 * Unpacks the image in `work/layout` into `work/rootfs`: layers in order, whiteouts applied, ownership, modes, xattrs and device nodes
 * as the image has them. umoci checks each layer's digest (`diff_ids`) and keeps entries below the root; that it can write nowhere
 * else is the box's doing. Fails `image_invalid`, `disk_full`.
 */
export async function unpackLayers(
  work: string,
  reference: string,
  limits: { readonly layers: number; readonly maxBytes: number },
  progress: Progress,
  signal: AbortSignal
): Promise<void> {
  let started = 0
  const onLine = (line: string) => {
    if (!line.includes('unpack layer: ')) return
    progress({ step: 'unpacking', fraction: Math.min(1, started / limits.layers) })
    started += 1
  }
  const args = ['--log=info', 'raw', 'unpack', '--image', `${boxRoot}/layout:${layoutTag}`, `${boxRoot}/rootfs`]
  const end = await runBoxed(work, 'umoci', args, { signal, onLine, fileBytes: limits.maxBytes })
  if (end.exitCode === 0) {
    // An archive may take away the root itself, or put a symlink there.
    const root = await lstat(join(work, 'rootfs')).catch(() => undefined)
    if (root?.isDirectory()) return
    throw failure('image_invalid', { reference, problem: 'it unpacks to something that is no folder' })
  }
  if (saysDiskFull(end.said)) throw failure('disk_full', { directory: join(work, 'rootfs') }, { cause: end.said })
  throw failure(
    'image_invalid',
    { reference, problem: `it cannot be unpacked: ${lastWords(end.said)}` },
    { cause: end.said }
  )
}
