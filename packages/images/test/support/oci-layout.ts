import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type TarEntry, tarLayer } from './tar-layer.ts'

export const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
export const blobPath = (layout: string, digest: string): string => join(layout, 'blobs', 'sha256', digest.slice(7))

export interface ImageInput {
  /** Entries of a tar, or the layer's uncompressed bytes. */
  readonly layers: readonly (readonly TarEntry[] | Buffer)[]
  readonly architecture?: string
  readonly config?: Readonly<Record<string, unknown>>
}

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

/** Writes OCI layouts by hand, so that they can be wrong in any way. Returns the manifest's descriptor; its tag is `test`. */
export async function writeLayout(folder: string, image: ImageInput): Promise<Descriptor & { layers: Descriptor[] }> {
  const { manifest, layers } = await writeImage(folder, image)
  await writeIndex(folder, manifest)
  return { ...manifest, layers }
}

/** A layout whose one tag is an index of images for several platforms. */
export async function writeMultiLayout(folder: string, images: readonly ImageInput[]): Promise<Descriptor[]> {
  const manifests: Descriptor[] = []
  for (const image of images) {
    const { manifest } = await writeImage(folder, image)
    manifests.push({
      ...manifest,
      platform: { os: 'linux', architecture: image.architecture ?? 'amd64' },
    } as Descriptor)
  }
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  await writeIndex(folder, await writeJson(folder, mediaType, { schemaVersion: 2, mediaType, manifests }))
  return manifests
}

async function writeImage(folder: string, image: ImageInput) {
  const tars = image.layers.map((layer) => (Buffer.isBuffer(layer) ? layer : tarLayer(layer)))
  const layers: Descriptor[] = []
  for (const tar of tars) {
    layers.push(await writeBlob(folder, 'application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar)))
  }
  const config = await writeJson(folder, 'application/vnd.oci.image.config.v1+json', {
    os: 'linux',
    architecture: image.architecture ?? 'amd64',
    config: image.config ?? {},
    rootfs: { type: 'layers', diff_ids: tars.map(sha256) },
  })
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = await writeJson(folder, mediaType, { schemaVersion: 2, mediaType, config, layers })
  return { manifest, layers }
}

async function writeIndex(folder: string, only: Descriptor): Promise<void> {
  const named = { ...only, annotations: { 'org.opencontainers.image.ref.name': 'test' } }
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }))
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
}

const writeJson = (folder: string, mediaType: string, json: unknown) =>
  writeBlob(folder, mediaType, Buffer.from(JSON.stringify(json)))

async function writeBlob(folder: string, mediaType: string, bytes: Buffer): Promise<Descriptor> {
  await mkdir(join(folder, 'blobs', 'sha256'), { recursive: true })
  const digest = sha256(bytes)
  await writeFile(blobPath(folder, digest), bytes)
  return { mediaType, digest, size: bytes.length }
}
