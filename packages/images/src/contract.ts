/** What the rest of Bulkhead sees of images: plain data, and one callback for progress. */
import type { Image, ImageProgress } from '@bulkhead/wire'

/** `sha256:` and 64 lower-case hex digits. */
export type Digest = string

/** How far a pull or a build has come; `fraction` is of this step, not of the whole. Called often: cheap receivers only. */
export type Progress = (event: Pick<ImageProgress, 'step' | 'fraction'>) => void

/** How processes of an image start, as its maker meant it. Foreign data: bounded, but not to be trusted. */
export interface ImageConfig {
  readonly env: Readonly<Record<string, string>>
  /** `name`, `uid`, `name:group` or `uid:gid`; empty: root. */
  readonly user: string
  /** Absolute; `/` when the image says nothing. */
  readonly workdir: string
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
}

/** An image that is whole and in the store. */
export interface StoredImage {
  /** Of the manifest for this machine's platform; of a built image: of its recipe and the exact packages in it. */
  readonly digest: Digest
  /** The EROFS file: uncompressed, no inline data, read-only, readable by every uid. */
  readonly path: string
  readonly config: ImageConfig
  readonly names: readonly string[]
  /** Of the EROFS file. */
  readonly sizeBytes: number
  /** When it came into the store; RFC 3339. */
  readonly createdAt: string
}

/** The name under which the Debian image is kept. No registry reference stands behind it. */
export const defaultImageName = 'default'

/** What of it goes to clients. */
export const imageSummary = (image: StoredImage): Image => ({
  digest: image.digest,
  names: [...image.names],
  sizeBytes: image.sizeBytes,
  createdAt: image.createdAt,
})
