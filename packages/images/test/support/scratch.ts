import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { ImageStore, type LayerLimits } from '../../src/index.ts'
import { removeTree } from '../../src/store/work-folder.ts'

export const run = promisify(execFile)
export const silent = () => {}
export const never = new AbortController().signal

/** A folder of a test's own, gone with it, together with what the test mounted below it. */
export class Scratch implements AsyncDisposable {
  readonly path: string
  readonly #undo = new AsyncDisposableStack()

  private constructor(path: string) {
    this.path = path
    this.#undo.defer(() => removeTree(path))
  }

  static async make(): Promise<Scratch> {
    return new Scratch(await mkdtemp(join(tmpdir(), 'bulkhead-images-')))
  }

  join(...parts: string[]): string {
    return join(this.path, ...parts)
  }

  async folder(name: string): Promise<string> {
    await mkdir(this.join(name), { recursive: true })
    return this.join(name)
  }

  store(name = 'store', limits?: LayerLimits): ImageStore {
    return new ImageStore(this.join(name), limits)
  }

  /** Mounts an image as the guest's kernel would; returns where. */
  async mount(image: string): Promise<string> {
    const target = await this.folder(`mnt-${Math.random().toString(36).slice(2)}`)
    await run('mount', ['-t', 'erofs', '-o', 'loop,ro,nodev,nosuid', image, target])
    this.#undo.defer(async () => void (await run('umount', [target])))
    return target
  }

  async tmpfs(name: string, bytes: number): Promise<string> {
    const target = await this.folder(name)
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', target])
    this.#undo.defer(async () => void (await run('umount', [target])))
    return target
  }

  defer(undo: () => Promise<void>): void {
    this.#undo.defer(undo)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo.disposeAsync()
  }
}

/** Nothing half-made anywhere: no work folder, no image but those expected, no name without one. */
export async function expectOnly(store: ImageStore, images: number): Promise<void> {
  await store.make()
  expect(await readdir(store.layout.work)).toEqual([])
  expect(await readdir(store.layout.blobs)).toHaveLength(images)
  const listed = await store.list()
  expect(listed).toHaveLength(images)
  const names = (await readdir(store.layout.names)).filter((name) => name.endsWith('.json'))
  expect(names).toHaveLength(listed.flatMap((image) => image.names).length)
}
