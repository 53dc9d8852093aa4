import { failure } from '@bulkhead/wire'
import { type Digest, defaultImageName, type Progress, type StoredImage } from './contract.ts'
import { buildDebianImage, isCurrentRecipe } from './debian/debian-image.ts'
import { parseImageSource } from './oci/image-source.ts'
import { pullImage } from './oci/pull-image.ts'
import type { LayerLimits } from './oci/scan-layers.ts'
import { SingleFlight } from './store/single-flight.ts'
import { StoreLayout } from './store/store-layout.ts'
import { StoredImages } from './store/stored-images.ts'
import { sweepWorkFolders, WorkFolder } from './store/work-folder.ts'

const GiB = 1024 ** 3
/** Far above any image in use, far below what would fill a disk unseen. */
const defaultLimits: LayerLimits = { bytes: 32 * GiB, entries: 4_000_000 }

/**
 * Root file systems, kept by digest in a folder that several processes of one machine may use at once. A half image never shows: what
 * an aborted or killed process leaves lies apart and goes with the next sweep. Pulling and building need root, the rest does not.
 */
export class ImageStore {
  readonly layout: StoreLayout
  readonly #images: StoredImages
  readonly #limits: LayerLimits
  readonly #flights = new SingleFlight<Digest>()
  #made: Promise<void> | undefined

  /** `folder`: absolute, made when missing, on a disk. `limits`: of what is pulled, unpacked. */
  constructor(folder: string, limits: LayerLimits = defaultLimits) {
    this.layout = new StoreLayout(folder)
    this.#images = new StoredImages(this.layout)
    this.#limits = limits
  }

  /** Newest first. */
  async list(): Promise<StoredImage[]> {
    await this.make()
    return this.#images.list()
  }

  /** By name, digest or an unambiguous beginning of one (12 digits or more). Never fetches. Fails `image_not_found`. */
  async resolve(nameOrReference: string): Promise<StoredImage> {
    await this.make()
    const name = nameOrReference.replace(/^docker:\/\//, '')
    const image = await this.#images.find(name)
    if (!image) throw failure('image_not_found', { name: name.slice(0, 255) })
    return image
  }

  /**
   * Fetches what `reference` stands for now and gives it that name: a registry's `NAME[:TAG|@DIGEST]`, `oci:/PATH[:TAG]` or
   * `docker-archive:/PATH`. Calls for the same reference share the work, which ends when the last of them is aborted.
   * Fails `image_reference_invalid`, `image_not_found`, `image_invalid`, `image_digest_mismatch`, `image_platform_unavailable`,
   * `image_too_large`, `registry_unauthorized`, `registry_unavailable`, `disk_full`, `requirement_missing`, `root_needed`.
   */
  async pull(reference: string, progress: Progress, signal: AbortSignal): Promise<StoredImage> {
    if (reference === defaultImageName) return this.buildDefault(progress, signal)
    const source = parseImageSource(reference)
    await this.make()
    const store = { layout: this.layout, images: this.#images, limits: this.#limits }
    const start = (tell: Progress, abort: AbortSignal) => pullImage(source, store, tell, abort)
    return this.#whole(await this.#flights.join(source.location, start, progress, signal), source.reference)
  }

  /**
   * Builds the Debian image from the newest packages and names it `default`. One that comes out the same stays as it is.
   * Fails `packages_unavailable`, `disk_full`, `requirement_missing`, `root_needed`, `host_tool_failed`.
   */
  async buildDefault(progress: Progress, signal: AbortSignal): Promise<StoredImage> {
    await this.make()
    const start = (tell: Progress, abort: AbortSignal) => buildDebianImage(this.layout, this.#images, tell, abort)
    return this.#whole(await this.#flights.join(defaultImageName, start, progress, signal), defaultImageName)
  }

  /** The Debian image if all of it is here and it is of the present recipe, else as {@link buildDefault}. */
  async ensureDefault(progress: Progress, signal: AbortSignal): Promise<StoredImage> {
    await this.make()
    const image = await this.#images.find(defaultImageName)
    const description = image && (await this.#images.description(image.digest))
    return image && this.#images.isWhole(image.digest) && isCurrentRecipe(description?.recipe)
      ? image
      : this.buildDefault(progress, signal)
  }

  /**
   * By name: takes the name away, and the image with its last one. By digest: the image with all its names.
   * Fails `image_not_found`; `image_in_use` before anything has changed, when the image would go and is in `inUse`.
   */
  async remove(nameOrDigest: string, inUse: ReadonlySet<Digest>): Promise<StoredImage> {
    const image = await this.resolve(nameOrDigest)
    const name = image.names.find((own) => own === nameOrDigest.replace(/^docker:\/\//, ''))
    if (name !== undefined && image.names.length > 1) {
      this.#images.removeName(name)
      return { ...image, names: [name] }
    }
    if (inUse.has(image.digest)) throw failure('image_in_use', { name: name ?? image.digest, digest: image.digest })
    await this.#discard([image.digest], { unnamedOnly: false })
    return image
  }

  /** Removes the images that have no name and are not in `inUse`, and what dead processes left; returns the images that went. */
  async prune(inUse: ReadonlySet<Digest>): Promise<StoredImage[]> {
    await this.sweep()
    const unused = (await this.list()).filter((image) => image.names.length === 0 && !inUse.has(image.digest))
    const gone = new Set(
      await this.#discard(
        unused.map((image) => image.digest),
        { unnamedOnly: true }
      )
    )
    return unused.filter((image) => gone.has(image.digest))
  }

  /** Removes what pulls and builds of processes that are no more have left. To be called once at start. */
  async sweep(): Promise<void> {
    await this.make()
    await sweepWorkFolders(this.layout.work)
  }

  /** Makes the store's folders, once. Every method does. */
  async make(): Promise<void> {
    // One that failed, on a disk without room, is tried again by the next.
    this.#made ??= this.#images.make().catch((error) => {
      this.#made = undefined
      throw error
    })
    await this.#made
  }

  async #discard(digests: Digest[], options: { unnamedOnly: boolean }): Promise<Digest[]> {
    if (digests.length === 0) return []
    await using work = await WorkFolder.make(this.layout.work)
    return this.#images.retire(digests, work.path, options)
  }

  /** Another process may have removed it in the moment it was finished. */
  async #whole(digest: Digest, name: string): Promise<StoredImage> {
    const image = await this.#images.find(digest)
    if (!image) throw failure('image_not_found', { name })
    return image
  }
}
