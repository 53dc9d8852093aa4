import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { writeLayout } from './support/oci-layout.ts'
import { expectOnly, never, Scratch, silent } from './support/scratch.ts'
import { type TarEntry, tarLayer } from './support/tar-layer.ts'

const MiB = 1024 * 1024
const pull = async (
  scratch: Scratch,
  layers: (readonly TarEntry[] | Buffer)[],
  limits = { bytes: 64 * MiB, entries: 10_000 }
) => {
  const source = await scratch.folder('source')
  await writeLayout(source, { layers })
  const store = scratch.store('store', limits)
  const result = await store.pull(`oci:${source}:test`, silent, never).catch((error: { code: string }) => error)
  return { store, result: result as { code?: string; path: string } }
}

describe('an archive cannot reach out of its image', () => {
  // What it aims at lies beside the store, where each of these paths would lead.
  const bait = 'bait'
  const up = '../'.repeat(12)

  it.each<[string, (target: string) => TarEntry[][]]>([
    ['a path with ..', (target) => [[{ path: `${up}${target}/pwned`, content: 'x' }]]],
    ['an absolute path', (target) => [[{ path: `${target}/pwned`, content: 'x' }]]],
    [
      'a file through a symlink of an earlier layer',
      (target) => [[{ path: 'way', type: 'SymbolicLink', linkpath: target }], [{ path: 'way/pwned', content: 'x' }]],
    ],
    [
      'a file through a relative symlink',
      (target) => [
        [
          { path: 'way', type: 'SymbolicLink', linkpath: `${up}${target}` },
          { path: 'way/pwned', content: 'x' },
        ],
      ],
    ],
    [
      'a symlink in place of the root itself',
      (target) => [[{ path: '.', type: 'SymbolicLink', linkpath: target }], [{ path: 'pwned', content: 'x' }]],
    ],
    [
      'a whiteout through a symlink',
      (target) => [
        [{ path: 'way', type: 'SymbolicLink', linkpath: target }],
        [{ path: `way/.wh.${bait}`, content: '' }],
      ],
    ],
    [
      'a whiteout with ..',
      (target) => [[{ path: `${up}${target}/.wh.${bait}`, content: '' }], [{ path: 'a/.wh...', content: '' }]],
    ],
    [
      'an opaque whiteout through a symlink',
      (target) => [
        [{ path: 'way', type: 'SymbolicLink', linkpath: target }],
        [{ path: 'way/.wh..wh..opq', content: '' }],
      ],
    ],
    [
      'ownership and mode through a symlink',
      (target) => [
        [{ path: 'way', type: 'SymbolicLink', linkpath: target }],
        [{ path: `way/${bait}`, type: 'Directory', mode: 0o777, uid: 4242 }],
      ],
    ],
  ])('%s', async (_what, layers) => {
    await using scratch = await Scratch.make()
    const target = await scratch.folder('target')
    await writeFile(join(target, bait), 'untouched')
    const { store, result } = await pull(scratch, layers(target))
    expect(await readFile(join(target, bait), 'utf8')).toBe('untouched')
    expect(await readdir(target)).toEqual([bait])
    // Refused or kept inside: either will do, half of it not.
    expect(result.code ?? 'inside').toMatch(/^(inside|image_invalid)$/)
    await expectOnly(store, result.code ? 0 : 1)
  })

  it.each([
    ['an absolute path', (target: string) => target],
    ['a path with ..', (target: string) => `${up}${target}`],
  ])('a hard link to a file of the host, by %s', async (_what, link) => {
    await using scratch = await Scratch.make()
    const target = scratch.join('secret')
    await writeFile(target, 'the secret of the host')
    const { result } = await pull(scratch, [[{ path: 'stolen', type: 'Link', linkpath: link(target) }]])
    expect(result.code).toBe('image_invalid')
  })

  it('a hard link through a symlink', async () => {
    await using scratch = await Scratch.make()
    const target = await scratch.folder('target')
    await writeFile(join(target, 'secret'), 'the secret of the host')
    const { result } = await pull(scratch, [
      [{ path: 'way', type: 'SymbolicLink', linkpath: target }],
      [{ path: 'stolen', type: 'Link', linkpath: 'way/secret' }],
    ])
    expect(result.code).toBe('image_invalid')
  })
})

describe('an archive cannot fill the machine', () => {
  it('unpacks to more than is allowed', async () => {
    await using scratch = await Scratch.make()
    // 256 MiB of zeros in 256 kB.
    const { store, result } = await pull(scratch, [[{ path: 'zeros', content: '\0'.repeat(256 * MiB) }]])
    expect(result.code).toBe('image_too_large')
    await expectOnly(store, 0)
  })

  it('is compressed twice, so that what is counted is not what comes out', async () => {
    await using scratch = await Scratch.make()
    const { result } = await pull(scratch, [gzipSync(tarLayer([{ path: 'a', content: 'x' }]))])
    expect(result.code).toBe('image_invalid')
  })

  it('holds more files than are allowed', async () => {
    await using scratch = await Scratch.make()
    const files = Array.from({ length: 2_000 }, (_, index) => ({ path: `f${index}` }))
    const { store, result } = await pull(scratch, [files], { bytes: 64 * MiB, entries: 1_000 })
    expect(result.code).toBe('image_too_large')
    await expectOnly(store, 0)
  })

  it.each<[string, TarEntry]>([
    ['old GNU', { path: 'holes', type: 'SparseFile', content: 'x' }],
    [
      'pax',
      { path: 'holes', content: '1\n0\n512\n', pax: { 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '99999999999' } },
    ],
  ])('claims holes without end (%s sparse file)', async (_what, entry) => {
    await using scratch = await Scratch.make()
    const { store, result } = await pull(scratch, [[entry]])
    expect(result).toMatchObject({ code: 'image_invalid', facts: { problem: expect.stringContaining('sparse') } })
    await expectOnly(store, 0)
  })

  it('claims a file far longer than the archive', async () => {
    await using scratch = await Scratch.make()
    const { store, result } = await pull(scratch, [[{ path: 'long', content: 'x', claimedSize: 8 * 1024 ** 3 - 1 }]])
    expect(result.code).toBe('image_invalid')
    await expectOnly(store, 0)
  })

  it('nests folders deeper than any path is long, and is still removed', async () => {
    await using scratch = await Scratch.make()
    const path = 'd/'.repeat(2040)
    const { store, result } = await pull(scratch, [[{ path: `${path}f`, content: 'x' }]])
    await expectOnly(store, result.code ? 0 : 1)
  })

  it('holds a name longer than can be packed, and is refused in words', async () => {
    await using scratch = await Scratch.make()
    const { store, result } = await pull(scratch, [[{ path: 'x'.repeat(255), content: 'x' }]])
    if (result.code) expect(result).toMatchObject({ facts: { problem: expect.stringContaining('255 bytes') } })
    await expectOnly(store, result.code ? 0 : 1)
  })

  it.each([
    ['at once, where it can be seen coming', 8 * MiB, 16 * MiB],
    ['in the middle of packing, where it cannot', 8 * MiB, 1.2 * MiB],
  ])('says that the disk is full, %s', async (_what, diskBytes, fileBytes) => {
    await using scratch = await Scratch.make()
    const disk = await scratch.tmpfs('disk', diskBytes)
    const source = await scratch.folder('source')
    // Small files take a page each: more than the bytes that were counted.
    const layer =
      fileBytes > diskBytes
        ? [{ path: 'big', content: 'x'.repeat(fileBytes) }]
        : Array.from({ length: 1_200 }, (_, index) => ({ path: `small${index}`, content: 'x' }))
    await writeLayout(source, { layers: [layer] })
    const store = scratch.store('disk/store')
    await expect(store.pull(`oci:${source}:test`, silent, never)).rejects.toMatchObject({
      code: 'disk_full',
      facts: { directory: expect.stringContaining(disk) },
    })
    await expectOnly(store, 0)
  })
})

it('makes the device nodes of an image harmless: none is ever opened or left on the host', async () => {
  await using scratch = await Scratch.make()
  const { store, result } = await pull(scratch, [
    [{ path: 'disk', type: 'CharacterDevice', device: [1, 5], mode: 0o666 }],
  ])
  expect(result.code).toBeUndefined()
  expect(existsSync(result.path)).toBe(true)
  await expectOnly(store, 1)
})
