import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ImageStore } from '../image-store.ts'
import { StoreLayout } from './store-layout.ts'
import { StoredImages } from './stored-images.ts'

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`
const config = { env: {}, user: '', workdir: '/', entrypoint: [], cmd: [] }

let folder: string
let images: StoredImages
let store: ImageStore
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bulkhead-store-'))
  images = new StoredImages(new StoreLayout(folder))
  store = new ImageStore(folder)
  await store.make()
})
afterEach(() => rm(folder, { recursive: true }))

async function publish(letter: string, name: string): Promise<void> {
  const work = join(folder, 'work', `test-${letter}-${Math.random()}`)
  await mkdir(work)
  await writeFile(join(work, 'rootfs.erofs'), letter)
  images.publish(work, name, { digest: digest(letter), sizeBytes: 1, config })
  await rm(work, { recursive: true })
}

describe('names and images', () => {
  it('resolves by name, digest and a beginning that only one has', async () => {
    await publish('a', 'one')
    await publish('b', 'two')
    expect((await store.resolve('one')).digest).toBe(digest('a'))
    expect((await store.resolve(digest('b'))).names).toEqual(['two'])
    expect((await store.resolve('aaaaaaaaaaaa')).digest).toBe(digest('a'))
    for (const wanted of ['three', 'aaaa', digest('c'), 'sha256:', '']) {
      await expect(store.resolve(wanted)).rejects.toMatchObject({ code: 'image_not_found' })
    }
  })

  it('takes any name whatever, and none of them becomes a path', async () => {
    const names = ['../../escape', 'a\nb', 'nul\0', '🚢', 'x'.repeat(255), '.', '..', '/', 'a.json']
    for (const name of names) await publish('a', name)
    expect((await store.resolve(digest('a'))).names).toEqual([...names].sort())
    for (const name of names) expect((await store.resolve(name)).digest).toBe(digest('a'))
    expect((await readdir(join(folder, 'names'))).every((file) => /^[0-9a-f]{64}\.json$/.test(file))).toBe(true)
  })

  it.each(['rootfs.erofs', 'image.json'])(
    'gives an image that lost its %s no name, and takes a whole one instead',
    async (file) => {
      await publish('a', 'one')
      const blob = join(folder, 'blobs', digest('a').replace(':', '-'))
      await rm(join(blob, file))
      expect(images.nameExisting(digest('a'), 'two')).toBe(false)
      await publish('a', 'one')
      expect((await readdir(blob)).sort()).toEqual(['image.json', 'rootfs.erofs'])
      expect(images.nameExisting(digest('a'), 'two')).toBe(true)
    }
  )

  it('removes a name, and the image with its last one', async () => {
    await publish('a', 'one')
    images.nameExisting(digest('a'), 'two')
    expect((await store.remove('one', new Set([digest('a')]))).names).toEqual(['one'])
    expect((await store.resolve('two')).names).toEqual(['two'])
    await expect(store.remove('two', new Set([digest('a')]))).rejects.toMatchObject({ code: 'image_in_use' })
    expect((await store.resolve('two')).names).toEqual(['two'])
    await store.remove('two', new Set())
    expect(await store.list()).toEqual([])
    expect(await readdir(join(folder, 'blobs'))).toEqual([])
    expect(await readdir(join(folder, 'work'))).toEqual([])
  })

  it('does not prune an image that gets a name meanwhile', async () => {
    await publish('a', 'one')
    images.removeName('one')
    const unnamed = (await store.list()).map((image) => image.digest)
    images.nameExisting(digest('a'), 'two')
    const work = join(folder, 'work', 'prune')
    await mkdir(work)
    expect(images.retire(unnamed, work, { unnamedOnly: true })).toEqual([])
    expect((await store.resolve('two')).digest).toBe(digest('a'))
  })

  it('never shows what another process has only begun to write', async () => {
    await mkdir(join(folder, 'blobs', 'not-a-digest'))
    await mkdir(join(folder, 'blobs', `sha256-${'d'.repeat(64)}`))
    await writeFile(join(folder, 'names', 'half.json.new'), '{"na')
    expect(await store.list()).toEqual([])
  })
})
