import { watch } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Progress } from '../contract.ts'
import { runTool } from '../tool/run-tool.ts'
import type { ImageSource } from './image-source.ts'
import { platform } from './manifest.ts'
import { skopeoFailure } from './skopeo-failure.ts'

const maxManifestBytes = 4 * 1024 * 1024

/** The manifest or index behind a reference, byte for byte. Credentials: skopeo's own and docker's files, found as skopeo finds them. */
export async function fetchManifest(source: ImageSource, signal: AbortSignal): Promise<Buffer> {
  const args = ['inspect', '--raw', ...(source.loopback ? ['--tls-verify=false'] : []), '--', source.location]
  const end = await runTool('skopeo', args, { signal, stdoutBytes: maxManifestBytes })
  if (end.exitCode !== 0) throw skopeoFailure(source, end)
  return end.stdout
}

/** The name the one image of a layout made by {@link copyToLayout} has in it. */
export const layoutTag = 'image'

/**
 * Brings an image into a fresh OCI layout at `layout`; every blob is checked against its digest on the way. Layers are gzip
 * afterwards. `bytes`: what the manifest says will come, for the progress; 0: not known.
 */
export async function copyToLayout(
  source: ImageSource,
  layout: string,
  limits: { readonly bytes: number; readonly maxBytes: number },
  progress: Progress,
  signal: AbortSignal
): Promise<void> {
  const temporary = `${layout}.tmp`
  await mkdir(temporary)
  await mkdir(layout)
  using _ = watchGrowth(layout, (arrived) => {
    if (limits.bytes > 0) progress({ step: 'downloading', fraction: Math.min(1, arrived / limits.bytes) })
  })
  progress({ step: 'downloading' })
  const args = [
    ...['--override-os', platform.os, '--override-arch', platform.architecture, '--tmpdir', temporary],
    ...['copy', '--quiet', '--remove-signatures'],
    // All that umoci reads. An archive's plain layers are compressed for it, those in zstd are compressed anew.
    ...['--dest-compress-format', 'gzip'],
    ...(source.loopback ? ['--src-tls-verify=false'] : []),
    ...['--', source.location, `oci:${layout}:${layoutTag}`],
  ]
  const end = await runTool('skopeo', args, { signal, cwd: layout, fileBytes: limits.maxBytes })
  if (end.exitCode !== 0) throw skopeoFailure(source, end, { directory: layout, maxBytes: limits.maxBytes })
}

/** Tells how many bytes came into the layout, whenever the kernel reports a write. skopeo writes each blob at the layout's top first. */
function watchGrowth(layout: string, tell: (bytes: number) => void): Disposable {
  const sizes = new Map<string, number>()
  let lastTold = 0
  const changed = async (name: string) => {
    const file = await stat(join(layout, name)).catch(() => undefined) // moved to its final name meanwhile
    if (file?.isFile()) sizes.set(name, file.size)
    // A report per write is far more than any display shows.
    if (performance.now() - lastTold < 100) return
    lastTold = performance.now()
    tell(sizes.values().reduce((sum, bytes) => sum + bytes, 0))
  }
  const watcher = watch(layout, (_event, name) => {
    if (name) void changed(name)
  })
  // Where the machine has no watches left only the progress is lost.
  watcher.on('error', () => watcher.close())
  return { [Symbol.dispose]: () => watcher.close() }
}
