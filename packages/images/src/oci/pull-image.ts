import { statfs } from 'node:fs/promises'
import { failure, isFailure } from '@bulkhead/wire'
import type { Digest, Progress } from '../contract.ts'
import { packErofs } from '../erofs.ts'
import type { StoreLayout } from '../store/store-layout.ts'
import type { StoredImages } from '../store/stored-images.ts'
import { removeTree, WorkFolder } from '../store/work-folder.ts'
import { needRoot } from '../tool/run-tool.ts'
import { type ImageSource, pinned } from './image-source.ts'
import { readLayoutImage } from './layout-image.ts'
import { digestOf, type Manifest, readConfig, readManifest } from './manifest.ts'
import { type LayerLimits, type LayerTotals, scanLayers } from './scan-layers.ts'
import { copyToLayout, fetchManifest } from './skopeo.ts'
import { unpackLayers } from './unpack-layers.ts'

/**
 * Brings an image from its source into the store: look up, download, check, unpack, pack, publish. What is here already is only named.
 * Whatever happens, nothing but a whole image stays. Returns its digest.
 */
export async function pullImage(
  source: ImageSource,
  store: { readonly layout: StoreLayout; readonly images: StoredImages; readonly limits: LayerLimits },
  progress: Progress,
  signal: AbortSignal
): Promise<Digest> {
  const { reference } = source
  needRoot(`fetching ${reference}`)
  progress({ step: `looking up ${reference}` })
  const { digest, downloadBytes } = await lookUp(source, signal)
  if (store.images.nameExisting(digest, reference)) return digest

  if (downloadBytes > store.limits.bytes) {
    const detail = `its layers have ${downloadBytes} bytes`
    throw failure('image_too_large', { reference, limitBytes: store.limits.bytes, detail })
  }
  await using work = await WorkFolder.make(store.layout.work)
  await needRoom(work.path, downloadBytes)
  const layout = work.join('layout')
  const limits = { bytes: downloadBytes, maxBytes: store.limits.bytes }
  await copyToLayout(pinned(source, digest), layout, limits, progress, signal)

  const image = await readLayoutImage(layout, reference)
  const config = readConfig(image.config, reference)
  const totals = await scanLayers(layout, image.manifest, reference, store.limits, progress, signal)
  // Once unpacked and once packed; the layers go in between, but they are here already.
  await needRoom(work.path, 2 * totals.bytes)
  const unpacking = { layers: image.manifest.layers.length, maxBytes: store.limits.bytes }
  await unpackLayers(work.path, reference, unpacking, progress, signal)
  await removeTree(layout)
  const sizeBytes = await pack(work, reference, totals, progress, signal)
  progress({ step: 'storing' })
  signal.throwIfAborted()
  store.images.publish(work.path, reference, { digest, sizeBytes, config })
  return digest
}

/** The digest of the manifest for this platform, which is the image's, and how much there is to fetch (0: not known beforehand). */
async function lookUp(source: ImageSource, signal: AbortSignal): Promise<{ digest: Digest; downloadBytes: number }> {
  const bytes = await fetchManifest(source, signal)
  const found = readManifest(bytes, source.reference)
  if ('manifest' in found) return { digest: digestOf(bytes), downloadBytes: sizeOf(found.manifest) }
  // skopeo finds its way through an index on disk by itself, and offers no way to look behind it.
  if (source.kind !== 'registry') return { digest: found.chosen, downloadBytes: 0 }
  const chosen = readManifest(await fetchManifest(pinned(source, found.chosen), signal), source.reference)
  if ('manifest' in chosen) return { digest: found.chosen, downloadBytes: sizeOf(chosen.manifest) }
  throw failure('image_invalid', { reference: source.reference, problem: 'its index names another index' })
}

const sizeOf = (manifest: Manifest): number =>
  manifest.layers.reduce((sum, { size }) => sum + size, manifest.config.size)

/** mkfs.erofs 1.5 ends with an unspeaking error at a name of the greatest length Linux allows. */
async function pack(
  work: WorkFolder,
  reference: string,
  totals: LayerTotals,
  progress: Progress,
  signal: AbortSignal
): Promise<number> {
  try {
    return await packErofs(work.path, totals, progress, signal)
  } catch (cause) {
    if (!isFailure(cause, 'host_tool_failed') || totals.nameBytes < 255) throw cause
    const problem = 'it holds a file name of 255 bytes, and the mkfs.erofs here packs up to 254'
    throw failure('image_invalid', { reference, problem }, { cause })
  }
}

/** Fails `disk_full` before anything is written, rather than in the middle. */
async function needRoom(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory)
  if (bavail * bsize < bytes) throw failure('disk_full', { directory })
}
