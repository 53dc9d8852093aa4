import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sandbox } from '@bulkhead/sdk/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Entry, tarOf } from '../testing/tar-of.ts'
import { bringBack } from './bring-back.ts'

let outside: string
let here: string
beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'bulkhead-back-'))
  here = join(outside, 'here')
  mkdirSync(here)
  writeFileSync(join(here, '.profile'), 'mine')
})
afterEach(() => rmSync(outside, { recursive: true, force: true }))

interface Answer {
  readonly type: 'file' | 'directory' | 'other'
  readonly symlinkTarget?: string
  readonly archive: Buffer
}

/** A guest that answers as the test says, and nothing else. */
const guest = ({ type, symlinkTarget, archive }: Answer) =>
  ({
    id: 'sb-test',
    info: { diskBytes: 1024 * 1024 },
    files: { stat: async () => ({ type, symlinkTarget }) },
    tree: {
      download: async () =>
        (async function* () {
          yield archive
        })(),
    },
  }) as unknown as Sandbox

const bring = (path: string, answer: Answer) =>
  bringBack(guest(answer), path, {
    workdir: undefined,
    user: undefined,
    signal: new AbortController().signal,
    into: here,
  })
const file = (...entries: Entry[]): Answer => ({ type: 'file', archive: tarOf(...entries) })
const folder = (...entries: Entry[]): Answer => ({ type: 'directory', archive: tarOf(...entries) })
const read = (name: string) => readFileSync(join(here, name), 'utf8')
const invalid = { code: 'guest_answer_invalid' }
const unusable = { code: 'destination_unusable' }

describe('a hostile guest', () => {
  it.each([
    ['another file', [{ path: '.profile', content: 'evil' }]],
    ['a second file', [{ path: 'f' }, { path: '.profile', content: 'evil' }]],
    ['the file twice', [{ path: 'f' }, { path: 'f', content: 'evil' }]],
    ['a folder', [{ path: 'f', type: 'Directory' }]],
    ['something in a folder of that name', [{ path: 'f/.profile', content: 'evil' }]],
    ['a link', [{ path: 'f', type: 'SymbolicLink', linkpath: '.profile' }]],
    ['a hard link', [{ path: 'f', type: 'Link', linkpath: '.profile' }]],
    ['a path that leads back to it', [{ path: './f', content: 'evil' }]],
    ['nothing', []],
  ] as [string, Entry[]][])('that is asked for a file and sends %s changes nothing', async (_, entries) => {
    writeFileSync(join(here, 'f'), 'old')
    await expect(bring('/work/f', file(...entries))).rejects.toMatchObject(invalid)
    expect(readdirSync(here).sort()).toEqual(['.profile', 'f'])
    expect([read('.profile'), read('f')]).toEqual(['mine', 'old'])
  })

  it.each(['../evil', '/evil', 'a/../../evil'])('that sends %s in a folder changes nothing', async (path) => {
    await expect(bring('out', folder({ path: 'good' }, { path, content: 'evil' }))).rejects.toMatchObject(invalid)
    expect(readdirSync(here)).toEqual(['.profile'])
    expect(readdirSync(outside)).toEqual(['here'])
  })

  it('that says a file is a folder gets only below its name', async () => {
    await bring('f', folder({ path: '.profile', content: 'evil' }))
    expect([read('.profile'), read('f/.profile')]).toEqual(['mine', 'evil'])
  })

  it('that breaks off leaves the folder as it was', async () => {
    mkdirSync(join(here, 'out'))
    writeFileSync(join(here, 'out/a'), 'old')
    const { archive } = folder({ path: 'a', content: 'new' }, { path: 'b', content: 'x'.repeat(5000) })
    const broken = { type: 'directory', archive: archive.subarray(0, 3000) } as const
    await expect(bring('out', broken)).rejects.toMatchObject(invalid)
    expect(readdirSync(join(here, 'out'))).toEqual(['a'])
    expect(read('out/a')).toBe('old')
  })

  it('cannot send more than its disk has', async () => {
    const archive = tarOf({ path: 'f', size: 1024 * 1024 + 1 })
    await expect(bring('f', { type: 'file', archive })).rejects.toMatchObject({ code: 'output_too_large' })
    expect(existsSync(join(here, 'f'))).toBe(false)
  })
})

describe('an honest guest', () => {
  it('gives a file, which replaces one of that name and keeps its mode', async () => {
    await bring('/a/new', file({ path: 'new', content: 'x', mode: 0o755 }))
    expect(read('new')).toBe('x')
    expect(lstatSync(join(here, 'new')).mode & 0o111).not.toBe(0)
    writeFileSync(join(here, 'old'), 'o', { mode: 0o600 })
    await bring('old', file({ path: 'old', content: 'n' }))
    expect(read('old')).toBe('n')
    expect(lstatSync(join(here, 'old')).mode & 0o777).toBe(0o600)
    expect(readdirSync(here).sort()).toEqual(['.profile', 'new', 'old'])
  })

  it('gives a file behind a link, under the name it was asked for by', async () => {
    const answer = { ...file({ path: 'v2.txt', content: 'two' }), symlinkTarget: '/data/v2.txt' }
    await bring('latest', answer)
    expect(readdirSync(here).sort()).toEqual(['.profile', 'latest'])
    expect(read('latest')).toBe('two')
  })

  it('gives a folder, with the mode that folders have here', async () => {
    await bring('out/', folder({ path: 'd/f', content: 'x' }, { path: 'l', type: 'SymbolicLink', linkpath: 'd/f' }))
    expect(read('out/l')).toBe('x')
    mkdirSync(join(here, 'usual'))
    expect(lstatSync(join(here, 'out')).mode).toBe(lstatSync(join(here, 'usual')).mode)
    expect(readdirSync(here).sort()).toEqual(['.profile', 'out', 'usual'])
  })

  it('gives an empty folder', async () => {
    await bring('out', folder())
    expect(readdirSync(join(here, 'out'))).toEqual([])
  })

  it('gives a folder that is merged into one that is there', async () => {
    mkdirSync(join(here, 'out/sub'), { recursive: true })
    writeFileSync(join(here, 'out/kept'), 'kept')
    writeFileSync(join(here, 'out/sub/f'), 'old')
    symlinkSync('../../.profile', join(here, 'out/sub/link'))
    const entries = [{ path: 'sub/f', content: 'new' }, { path: 'sub/link', content: 'file' }, { path: 'more/g' }]
    await bring('out', folder(...entries))
    expect([read('out/kept'), read('out/sub/f'), read('out/sub/link')]).toEqual(['kept', 'new', 'file'])
    expect(read('.profile')).toBe('mine')
    expect(readdirSync(join(here, 'out')).sort()).toEqual(['kept', 'more', 'sub'])
  })
})

describe('what is in the way', () => {
  it.each([
    ['a link to a file', () => symlinkSync('.profile', join(here, 'x')), file({ path: 'x', content: 'evil' })],
    ['a link to nothing', () => symlinkSync('../evil', join(here, 'x')), file({ path: 'x', content: 'evil' })],
    ['a link to a folder', () => symlinkSync('..', join(here, 'x')), folder({ path: 'evil' })],
    ['a file for a folder', () => writeFileSync(join(here, 'x'), 'mine'), folder({ path: 'evil' })],
    ['a folder for a file', () => mkdirSync(join(here, 'x')), file({ path: 'x', content: 'evil' })],
  ])('is refused: %s', async (_, plant, answer) => {
    plant()
    const before = lstatSync(join(here, 'x'))
    await expect(bring('x', answer)).rejects.toMatchObject(unusable)
    expect(lstatSync(join(here, 'x')).ino).toBe(before.ino)
    expect(readdirSync(here).sort()).toEqual(['.profile', 'x'])
    expect(readdirSync(outside)).toEqual(['here'])
    expect(read('.profile')).toBe('mine')
  })

  it.each([
    ['a link where a folder comes', () => symlinkSync('../..', join(here, 'out/sub'))],
    ['a file where a folder comes', () => writeFileSync(join(here, 'out/sub'), 'mine')],
  ])('is refused inside a folder before anything is replaced: %s', async (_, plant) => {
    mkdirSync(join(here, 'out'))
    writeFileSync(join(here, 'out/a'), 'old')
    plant()
    const answer = folder({ path: 'a', content: 'new' }, { path: 'sub/evil', content: 'x' })
    await expect(bring('out', answer)).rejects.toMatchObject(unusable)
    expect(read('out/a')).toBe('old')
    expect(readdirSync(join(here, 'out')).sort()).toEqual(['a', 'sub'])
    expect(existsSync(join(outside, 'evil'))).toBe(false)
  })

  it.skipIf(process.getuid?.() === 0)('is refused: a file that may not be written', async () => {
    writeFileSync(join(here, 'x'), 'old')
    chmodSync(join(here, 'x'), 0o444)
    await expect(bring('x', file({ path: 'x', content: 'new' }))).rejects.toMatchObject(unusable)
    expect(read('x')).toBe('old')
  })
})
