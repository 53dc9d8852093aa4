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
import { Readable } from 'node:stream'
import { Header } from 'tar'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { extractArchive } from './extract-archive.ts'

let outside: string
let root: string
beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'bulkhead-extract-'))
  root = join(outside, 'root')
  mkdirSync(root)
})
afterEach(() => rmSync(outside, { recursive: true, force: true }))

interface Entry {
  path: string
  type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'FIFO'
  linkpath?: string
  mode?: number
  content?: string
}

/** A tar as a hostile agent would write it: no writer's own checks in between. */
function tarOf(...entries: Entry[]): Buffer {
  const blocks = entries.flatMap(({ path, type = 'File', linkpath, mode = 0o644, content = '' }) => {
    const head = Buffer.alloc(512)
    new Header({ path, type, mode, size: content.length, ...(linkpath !== undefined && { linkpath }) }).encode(head)
    const body = Buffer.alloc(Math.ceil(content.length / 512) * 512)
    body.write(content)
    return [head, body]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

async function extract(archive: Buffer): Promise<string[]> {
  const skipped: string[] = []
  await extractArchive(Readable.from([archive]), root, {
    signal: new AbortController().signal,
    onSkip: (path) => skipped.push(path),
  })
  return skipped
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
  await expect(extract(whole.subarray(0, 2000))).rejects.toThrow()
  await expect(extract(Buffer.from('this is no tar archive'.repeat(100)))).rejects.toThrow()
})
