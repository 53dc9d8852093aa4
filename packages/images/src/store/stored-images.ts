import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import type { Digest, ImageConfig, StoredImage } from '../contract.ts'
import { renameDurably, syncFolder, writeFileDurably } from './durable-file.ts'
import { exclusively } from './exclusively.ts'
import { isFilled } from './is-filled.ts'
import { digestOfBlobName, isDigest, type StoreLayout } from './store-layout.ts'

const Description = z.object({
  digest: z.string().refine(isDigest),
  createdAt: z.string(),
  sizeBytes: z.number(),
  config: z.object({
    env: z.record(z.string(), z.string()),
    user: z.string(),
    workdir: z.string(),
    entrypoint: z.array(z.string()),
    cmd: z.array(z.string()),
  }),
  /** Of a built image: what it was built from, to see whether that still holds. */
  recipe: z.string().optional(),
})
/** What lies in `image.json` beside each image. */
export type Description = Omit<z.infer<typeof Description>, 'config'> & { readonly config: ImageConfig }

const Name = z.object({ name: z.string(), digest: z.string().refine(isDigest) })

/**
 * The images that are whole, and their names. Reading needs no lock: an image's folder appears and goes by one rename, a name by
 * another. Every change happens under {@link exclusively}, so several processes may use one store.
 */
export class StoredImages {
  readonly #layout: StoreLayout

  constructor(layout: StoreLayout) {
    this.#layout = layout
  }

  /** Newest first. */
  async list(): Promise<StoredImage[]> {
    const names = this.#names()
    const digests = this.#digests()
    const images = await Promise.all(digests.map((digest) => this.#read(digest, names)))
    return images.filter((image) => image !== undefined).sort((a, b) => b.createdAt.localeCompare(a.createdAt))
  }

  /** By name, by digest, or by at least 12 hex digits that only one digest begins with. */
  async find(wanted: string): Promise<StoredImage | undefined> {
    const names = this.#names()
    const digest = names.get(wanted) ?? this.#digestFor(wanted)
    return digest === undefined ? undefined : this.#read(digest, names)
  }

  async description(digest: Digest): Promise<Description | undefined> {
    try {
      return Description.parse(JSON.parse(await readFile(this.#layout.description(digest), 'utf8')))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /**
   * Makes the finished image in `work` (`rootfs.erofs`, synced) visible under its digest and `name`, which leaves the image that had
   * it. If the image is there already, what is in `work` stays where it is; one that lacks
   * a file makes way, and goes with `work`.
   */
  publish(work: string, name: string, image: Omit<Description, 'createdAt'>): void {
    const { digest } = image
    exclusively(this.#layout.lock, () => {
      if (!this.isWhole(digest)) {
        const blob = this.#layout.blob(digest)
        if (existsSync(blob)) renameSync(blob, join(work, 'incomplete'))
        const whole = join(work, 'whole')
        mkdirSync(whole, { mode: 0o755 })
        renameSync(join(work, 'rootfs.erofs'), join(whole, 'rootfs.erofs'))
        const description: Description = { ...image, createdAt: new Date().toISOString() }
        writeFileDurably(join(whole, 'image.json'), JSON.stringify(description))
        renameDurably(whole, blob)
      }
      this.#setName(name, digest)
    })
  }

  /** Gives an image that is here a further name. False when it is not here. */
  nameExisting(digest: Digest, name: string): boolean {
    return exclusively(this.#layout.lock, () => {
      if (!this.isWhole(digest)) return false
      this.#setName(name, digest)
      return true
    })
  }

  /** Whether all that belongs to an image is there. */
  isWhole(digest: Digest): boolean {
    return isFilled(this.#layout.rootImage(digest)) && isFilled(this.#layout.description(digest))
  }

  /** Takes `name` away from its image. */
  removeName(name: string): void {
    exclusively(this.#layout.lock, () => this.#dropName(name))
  }

  /**
   * Moves images out of sight into `work`, whose owner then removes them, with their names. `unnamedOnly`: keeps those that got a name
   * since they were looked at. Returns the digests that went.
   */
  retire(digests: readonly Digest[], work: string, options: { readonly unnamedOnly: boolean }): Digest[] {
    return exclusively(this.#layout.lock, () => {
      const names = this.#names()
      const gone: Digest[] = []
      for (const digest of digests) {
        const own = [...names].filter(([, target]) => target === digest).map(([name]) => name)
        if ((options.unnamedOnly && own.length > 0) || !existsSync(this.#layout.blob(digest))) continue
        for (const name of own) this.#dropName(name)
        renameSync(this.#layout.blob(digest), join(work, basename(this.#layout.blob(digest))))
        gone.push(digest)
      }
      syncFolder(this.#layout.blobs)
      return gone
    })
  }

  async make(): Promise<void> {
    const { root, blobs, names, work, kernels } = this.#layout
    for (const folder of [root, blobs, names, kernels]) await mkdir(folder, { recursive: true, mode: 0o755 })
    await mkdir(work, { recursive: true, mode: 0o700 })
  }

  #setName(name: string, digest: Digest): void {
    writeFileDurably(this.#layout.nameFile(name), JSON.stringify({ name, digest }))
  }

  #dropName(name: string): void {
    rmSync(this.#layout.nameFile(name), { force: true })
    syncFolder(this.#layout.names)
  }

  #names(): Map<string, Digest> {
    const names = new Map<string, Digest>()
    for (const file of readdirSync(this.#layout.names)) {
      if (!file.endsWith('.json')) continue // `.json.new`: being written
      const text = readIfThere(join(this.#layout.names, file))
      if (text === undefined) continue
      const { name, digest } = Name.parse(JSON.parse(text))
      names.set(name, digest)
    }
    return names
  }

  #digests(): Digest[] {
    return readdirSync(this.#layout.blobs).flatMap((folder) => digestOfBlobName(folder) ?? [])
  }

  #digestFor(wanted: string): Digest | undefined {
    if (isDigest(wanted)) return wanted
    const prefix = wanted.replace(/^sha256:/, '')
    if (!/^[0-9a-f]{12,63}$/.test(prefix)) return undefined
    const [only, ...others] = this.#digests().filter((digest) => digest.startsWith(`sha256:${prefix}`))
    return others.length === 0 ? only : undefined
  }

  async #read(digest: Digest, names: ReadonlyMap<string, Digest>): Promise<StoredImage | undefined> {
    const found = await this.description(digest)
    if (!found) return undefined
    const { config, sizeBytes, createdAt } = found
    const own = [...names].filter(([, target]) => target === digest).map(([name]) => name)
    return { digest, path: this.#layout.rootImage(digest), config, names: own.sort(), sizeBytes, createdAt }
  }
}

/** A name may go between the listing and the reading. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
