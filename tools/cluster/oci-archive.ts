import { createHash } from 'node:crypto'
import { type TarEntry, tarArchive } from './tar-archive.ts'

export interface ImageInput {
  /** With its tag, as pods name it: `bulkhead.test/busybox:1`. */
  readonly name: string
  /** The lowest one first. What changes rarely belongs into one of its own: registries and nodes have it already. */
  readonly layers: readonly (readonly TarEntry[])[]
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  /** `UID:GID`. Default: root. */
  readonly user?: string
  /** `NAME=VALUE`. Default: a PATH. */
  readonly environment?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
}

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

const types = {
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
} as const

/** The image as an archive that `ctr images import` and skopeo (`oci-archive:`) read. https://specs.opencontainers.org/image-spec/image-layout/ */
export function ociArchive(image: ImageInput): Buffer {
  const blobs: TarEntry[] = []
  const add = (mediaType: string, content: Buffer): Descriptor => {
    const digest = sha256(content)
    blobs.push({ type: 'File', path: `blobs/sha256/${digest}`, content })
    return { mediaType, digest: `sha256:${digest}`, size: content.length }
  }
  const layers = image.layers.map((entries) => add(types.layer, tarArchive(entries)))
  const config = add(
    types.config,
    json({
      os: 'linux',
      architecture: 'amd64',
      config: {
        Env: image.environment ?? ['PATH=/bin'],
        ...(image.user && { User: image.user }),
        ...(image.entrypoint && { Entrypoint: image.entrypoint }),
        ...(image.command && { Cmd: image.command }),
        ...(image.labels && { Labels: image.labels }),
      },
      // Uncompressed: a layer's digest is that of its content.
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    })
  )
  const manifest = add(types.manifest, json({ schemaVersion: 2, mediaType: types.manifest, config, layers }))
  const annotations = {
    // containerd's: what the image is called after an import.
    'io.containerd.image.name': image.name,
    'org.opencontainers.image.ref.name': image.name.slice(image.name.lastIndexOf(':') + 1),
  }
  return tarArchive([
    { type: 'File', path: 'oci-layout', content: json({ imageLayoutVersion: '1.0.0' }) },
    {
      type: 'File',
      path: 'index.json',
      content: json({ schemaVersion: 2, mediaType: types.index, manifests: [{ ...manifest, annotations }] }),
    },
    { type: 'Directory', path: 'blobs/' },
    { type: 'Directory', path: 'blobs/sha256/' },
    ...blobs,
  ])
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
