import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Entry, tarEntry, tarOf } from '../testing/tar-of.ts'
import { type ExtractOptions, extractArchive } from './extract-archive.ts'

let outside: string
let root: string
beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'bulkhead-extract-'))
  root = join(outside, 'root')
  mkdirSync(root)
})
afterEach(() => rmSync(outside, { recursive: true, force: true }))

async function extract(
  archive: Buffer | AsyncGenerator<Buffer>,
  options: Partial<ExtractOptions> = {}
): Promise<string[]> {
  const skipped: string[] = []
  const chunks = Buffer.isBuffer(archive) ? pieces(archive) : archive
  await extractArchive(chunks, root, {
    signal: new AbortController().signal,
    id: 'sb-test',
    path: '--out x',
    maxBytes: 1024 * 1024,
    onSkip: (path) => skipped.push(path),
    ...options,
  })
  return skipped
}

async function* pieces(...chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks
}

it.each([
  [{ path: '../evil', content: 'x' }],
  [{ path: 'a/../../evil', content: 'x' }],
  [{ path: '/evil', content: 'x' }],
  [{ path: 'dev', type: 'CharacterDevice' }],
  [{ path: 'pipe', type: 'FIFO' }],
  [{ path: 'hard', type: 'Link', linkpath: '../secret' }],
  [{ path: 'abs', type: 'SymbolicLink', linkpath: '/etc/passwd' }],
  [{ path: 'up', type: 'SymbolicLink', linkpath: '..' }],
  [{ path: 'd/up', type: 'SymbolicLink', linkpath: '../../x' }],
  [{ path: 'sly', type: 'SymbolicLink', linkpath: 'here/here/../../..' }],
] as Entry[][])('leaves out %j and goes on', async (entry) => {
  writeFileSync(join(outside, 'secret'), 'host')
  const skipped = await extract(tarOf(entry as Entry, { path: 'good', content: 'yes' }))
  expect(skipped).toEqual([(entry as Entry).path])
  expect(readFileSync(join(root, 'good'), 'utf8')).toBe('yes')
  expect(existsSync(join(outside, 'evil'))).toBe(false)
})

it('writes through no link, neither one it made nor one that was there', async () => {
  mkdirSync(join(outside, 'target'))
  symlinkSync(join(outside, 'target'), join(root, 'mine'))
  const archive = tarOf(
    { path: 'd', type: 'Directory', mode: 0o755 },
    { path: 'self', type: 'SymbolicLink', linkpath: 'd' },
    { path: 'self/inside', content: 'x' },
    { path: 'mine/evil', content: 'x' }
  )
  await extract(archive).catch(() => {}) // refusing the whole is as good as leaving that out
  expect(existsSync(join(outside, 'target', 'evil'))).toBe(false)
})

it('keeps links that stay inside, and takes set-uid away', async () => {
  const archive = tarOf(
    { path: 'd', type: 'Directory', mode: 0o755 },
    { path: 'd/tool', mode: 0o4755, content: '#!' },
    { path: 'd/up', type: 'SymbolicLink', linkpath: '../other' },
    { path: 'link', type: 'SymbolicLink', linkpath: 'd/tool' }
  )
  expect(await extract(archive)).toEqual([])
  expect(readlinkSync(join(root, 'link'))).toBe('d/tool')
  expect(readlinkSync(join(root, 'd/up'))).toBe('../other')
  expect(lstatSync(join(root, 'd/tool')).mode & 0o7777).toBe(0o755)
})

it('rejects what is no whole archive', async () => {
  const whole = tarOf({ path: 'big', content: 'x'.repeat(5000) })
  const invalid = { code: 'guest_answer_invalid' }
  await expect(extract(whole.subarray(0, 2000))).rejects.toMatchObject(invalid)
  await expect(extract(whole.subarray(0, -1024))).rejects.toMatchObject(invalid)
  await expect(extract(Buffer.from('this is no tar archive'.repeat(100)))).rejects.toMatchObject(invalid)
  await expect(extract(Buffer.from('no'))).rejects.toMatchObject(invalid)
})

it('takes the archive of an empty folder', async () => {
  expect(await extract(tarOf())).toEqual([])
})

it.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
])('refuses %s, however it is cut', async (_, compress) => {
  const compressed = compress(tarOf({ path: 'f', content: 'x' }))
  const cut = pieces(...Array.from(compressed, (byte) => Buffer.of(byte)))
  for (const archive of [compressed, cut]) {
    await expect(extract(archive)).rejects.toMatchObject({
      code: 'guest_answer_invalid',
      message: expect.stringContaining('compressed'),
    })
  }
  expect(existsSync(join(root, 'f'))).toBe(false)
})

it('takes no more bytes than its bound, said or sent', async () => {
  const tooLarge = { code: 'output_too_large', message: expect.stringContaining('1000 bytes') }
  const two = tarOf({ path: 'a', content: 'x'.repeat(600) }, { path: 'b', content: 'x'.repeat(600) })
  await expect(extract(two, { maxBytes: 1000 })).rejects.toMatchObject(tooLarge)
  expect(existsSync(join(root, 'b'))).toBe(false)
  expect(await extract(two, { maxBytes: 1200 })).toEqual([])

  let sent = 0
  async function* endless(start: Buffer) {
    yield start
    for (; ; sent += 1) yield Buffer.alloc(1024 * 1024)
  }
  // After the end of the archive, and in a header that is not even an entry.
  for (const start of [tarOf({ path: 'f', content: 'x' }), tarEntry({ path: 'f', type: 'FIFO', size: 900 })]) {
    sent = 0
    await expect(extract(endless(start), { maxBytes: 1000 })).rejects.toMatchObject(tooLarge)
    expect(sent).toBeLessThan(40)
  }
})

it('takes no more entries than its bound, those left out with them', async () => {
  const many = tarOf({ path: 'a' }, { path: 'pipe', type: 'FIFO' }, { path: 'c' })
  expect(await extract(many, { maxEntries: 3 })).toEqual(['pipe'])
  await expect(extract(many, { maxEntries: 2 })).rejects.toMatchObject({
    code: 'output_too_large',
    message: expect.stringContaining('2 entries'),
  })
})

it('takes nothing more once an entry is refused, and says why', async () => {
  const refuse = (path: string) => (path === 'bad' ? 'what nobody wants' : undefined)
  const archive = tarOf({ path: 'bad', content: 'x' }, { path: 'after', content: 'x' })
  await expect(extract(archive, { refuse })).rejects.toMatchObject({
    code: 'guest_answer_invalid',
    message: expect.stringContaining('what nobody wants'),
  })
  expect(existsSync(join(root, 'after'))).toBe(false)
})
