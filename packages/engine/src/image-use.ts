import type { Images } from '@bulkhead/sandbox'
import type { Image, ImageProgress } from '@bulkhead/wire'
import type { ImageStore, ResolvedImage } from './config.ts'
import { guard } from './guard.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { Ledger } from './ledger/ledger.ts'

/** One key: images are looked up and removed in turns, so that none goes between being looked up and being noted as used. */
const turn = 'images'

export interface ImageUseOptions {
  readonly store: ImageStore
  readonly ledger: Ledger
  readonly stateDirectory: string
  /** An image went: templates and pool members made of it go too. */
  readonly removed: (digest: string) => Promise<void>
}

/** The image store, with the knowledge of what the sandboxes here use. */
export class ImageUse implements Images {
  readonly #options: ImageUseOptions
  readonly #queue = new KeyedQueue()
  readonly #holds = new Map<string, number>()

  constructor(options: ImageUseOptions) {
    this.#options = options
  }

  /** Looks an image up and keeps it until `use` has ended: by then a row in the ledger stands for its use. */
  async withImage<Result>(
    name: string,
    signal: AbortSignal,
    use: (image: ResolvedImage) => Promise<Result>
  ): Promise<Result> {
    const image = await this.#queue.run(turn, async () => {
      const found = await this.#options.store.resolve(name, signal)
      this.#holds.set(found.digest, (this.#holds.get(found.digest) ?? 0) + 1)
      return found
    })
    try {
      return await use(image)
    } finally {
      const left = (this.#holds.get(image.digest) ?? 1) - 1
      if (left > 0) this.#holds.set(image.digest, left)
      else this.#holds.delete(image.digest)
    }
  }

  list(): Promise<Image[]> {
    return this.#guard('list images', async () => {
      const used = this.#used()
      return (await this.#options.store.list()).map((image) => ({ ...image, inUse: used.has(image.digest) }))
    })
  }

  pull(reference: string, progress: (event: ImageProgress) => void, signal: AbortSignal): Promise<Image> {
    return this.#guard('pull an image', () => this.#options.store.pull(reference, progress, signal), signal)
  }

  remove(name: string): Promise<Image> {
    return this.#guard('remove an image', () =>
      this.#queue.run(turn, async () => {
        const image = await this.#options.store.remove(name, this.#used())
        await this.#options.removed(image.digest)
        return image
      })
    )
  }

  prune(): Promise<Image[]> {
    return this.#guard('prune images', () =>
      this.#queue.run(turn, async () => {
        const images = await this.#options.store.prune(this.#used())
        for (const image of images) await this.#options.removed(image.digest)
        return images
      })
    )
  }

  /** Pool members and templates do not count: they go with their image. */
  #used(): ReadonlySet<string> {
    const living = this.#options.ledger.sandboxes.living().filter((row) => row.role === 'sandbox')
    return new Set([...living.map((row) => row.imageDigest), ...this.#holds.keys()])
  }

  #guard<Result>(operation: string, run: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const { stateDirectory } = this.#options
    return guard(operation, { stateDirectory, ...(signal && { signal }) }, run)
  }
}
