import { copyFile, cp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { blobPath, writeLayout, writeMultiLayout } from './support/oci-layout.ts'
import { expectOnly, never, run, Scratch, silent } from './support/scratch.ts'

/** What `docker save` writes, made by skopeo from a small image. */
async function dockerArchive(scratch: Scratch): Promise<string> {
  const source = await scratch.folder('source')
  await writeLayout(source, {
    layers: [[{ path: 'hello', content: 'world'.repeat(20_000) }]],
    config: { Env: ['A=b'] },
  })
  const archive = scratch.join('saved.tar')
  await run('skopeo', ['copy', '--quiet', `oci:${source}:test`, `docker-archive:${archive}:example/app:1`])
  return archive
}

const codeOf = (pulled: Promise<unknown>): Promise<string> =>
  pulled.then(
    () => 'pulled',
    (error: { code: string }) => error.code
  )

describe('a docker save archive', () => {
  it('is read whole or by the tag in it', async () => {
    await using scratch = await Scratch.make()
    const archive = await dockerArchive(scratch)
    const store = scratch.store()
    const image = await store.pull(`docker-archive:${archive}`, silent, never)
    expect(image.config.env).toEqual({ A: 'b' })
    expect((await readFile(join(await scratch.mount(image.path), 'hello'))).length).toBe(100_000)
    expect((await store.pull(`docker-archive:${archive}:example/app:1`, silent, never)).digest).toBe(image.digest)
    expect(await codeOf(store.pull(`docker-archive:${archive}:example/app:2`, silent, never))).toBe('image_not_found')
    await expectOnly(store, 1)
  })

  it('is refused when it is cut off, wherever', async () => {
    await using scratch = await Scratch.make()
    const archive = await dockerArchive(scratch)
    const { size } = await stat(archive)
    const store = scratch.store()
    for (const part of [0.9, 0.5, 0.1, 0]) {
      await truncate(archive, Math.floor(size * part))
      expect(await codeOf(store.pull(`docker-archive:${archive}`, silent, never))).toBe('image_invalid')
    }
    await rm(archive)
    expect(await codeOf(store.pull(`docker-archive:${archive}`, silent, never))).toBe('image_not_found')
    await expectOnly(store, 0)
  })

  it('is refused when it is something else', async () => {
    await using scratch = await Scratch.make()
    const store = scratch.store()
    await writeFile(scratch.join('text'), 'hello\n'.repeat(1000))
    for (const path of [scratch.join('text'), scratch.path, '/dev/null']) {
      expect(await codeOf(store.pull(`docker-archive:${path}`, silent, never))).toBe('image_invalid')
    }
    await expectOnly(store, 0)
  })
})

describe('an OCI layout', () => {
  it('is refused when a layer is not what its digest says, is cut off or is missing', async () => {
    await using scratch = await Scratch.make()
    const source = await scratch.folder('source')
    const { layers } = await writeLayout(source, { layers: [[{ path: 'a', content: 'b'.repeat(5000) }]] })
    const layer = blobPath(source, layers[0]?.digest ?? '')
    const store = scratch.store()
    await writeFile(layer, Buffer.alloc((await stat(layer)).size, 'x'))
    expect(await codeOf(store.pull(`oci:${source}:test`, silent, never))).toBe('image_digest_mismatch')
    await truncate(layer, 10)
    expect(await codeOf(store.pull(`oci:${source}:test`, silent, never))).toMatch(/^image_(digest_mismatch|invalid)$/)
    await rm(layer)
    expect(await codeOf(store.pull(`oci:${source}:test`, silent, never))).toBe('image_invalid')
    await expectOnly(store, 0)
  })

  it('cannot bring its content under the digest of another image', async () => {
    await using scratch = await Scratch.make()
    const source = await scratch.folder('source')
    const [manifest] = await writeMultiLayout(source, [{ layers: [[{ path: 'a', content: 'honest' }]] }])
    const other = await scratch.folder('other')
    const evil = await writeLayout(other, { layers: [[{ path: 'a', content: 'hostile' }]] })
    await cp(join(other, 'blobs'), join(source, 'blobs'), { recursive: true })
    await copyFile(blobPath(other, evil.digest), blobPath(source, manifest?.digest ?? ''))
    const store = scratch.store()
    expect(await codeOf(store.pull(`oci:${source}:test`, silent, never))).toBe('image_digest_mismatch')
    await expectOnly(store, 0)
  })

  it('is refused when a layer with the right digest is no archive', async () => {
    await using scratch = await Scratch.make()
    const source = await scratch.folder('source')
    await writeLayout(source, { layers: [Buffer.from('this is not a tar'.repeat(100))] })
    const store = scratch.store()
    expect(await codeOf(store.pull(`oci:${source}:test`, silent, never))).toBe('image_invalid')
    await expectOnly(store, 0)
  })

  it('is not found when there is none, or no such tag', async () => {
    await using scratch = await Scratch.make()
    const source = await scratch.folder('source')
    const store = scratch.store()
    expect(await codeOf(store.pull(`oci:${source}:test`, silent, never))).toBe('image_not_found')
    await writeLayout(source, { layers: [[{ path: 'a' }]] })
    expect(await codeOf(store.pull(`oci:${source}:other`, silent, never))).toBe('image_not_found')
    await expectOnly(store, 0)
  })

  it('with layers in zstd is understood', async () => {
    await using scratch = await Scratch.make()
    const source = await scratch.folder('source')
    await writeLayout(source, { layers: [[{ path: 'a', content: 'b' }]] })
    const other = scratch.join('zstd')
    await run('skopeo', [
      'copy',
      '--quiet',
      '--dest-compress-format',
      'zstd',
      `oci:${source}:test`,
      `oci:${other}:test`,
    ])
    const image = await scratch.store().pull(`oci:${other}:test`, silent, never)
    expect(await readFile(join(await scratch.mount(image.path), 'a'), 'utf8')).toBe('b')
  })
})
