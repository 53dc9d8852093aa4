import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { walkFolder } from './folder-walk.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bulkhead-walk-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function plant(files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
}

async function walked(folder = root, all = false): Promise<{ paths: string[]; skipped: string[] }> {
  const skipped: string[] = []
  const options = { all, onSkip: (path: string) => skipped.push(path), signal: new AbortController().signal }
  return { paths: await Array.fromAsync(walkFolder(folder, options)), skipped }
}

it('lets a nested .gitignore add to and take back from the one above', async () => {
  plant({
    '.gitignore': '*.log\n/build/\n',
    'a.log': '',
    'a.txt': '',
    'build/x': '',
    'sub/.gitignore': '!keep.log\nsecret\n',
    'sub/keep.log': '',
    'sub/other.log': '',
    'sub/secret': '',
    'sub/build/y': '',
  })
  expect((await walked()).paths).toEqual([
    '.gitignore',
    'a.txt',
    'sub',
    'sub/.gitignore',
    'sub/build',
    'sub/build/y',
    'sub/keep.log',
  ]) // prettier-ignore
})

it('obeys the repository above the folder, and its exclude file, but nothing outside it', async () => {
  plant({
    '.gitignore': '*\n',
    'repo/.git/info/exclude': 'private\n',
    'repo/.gitignore': 'dist\n/pkg/only-here\n',
    'repo/pkg/only-here': '',
    'repo/pkg/dist/z': '',
    'repo/pkg/private': '',
    'repo/pkg/code': '',
  })
  expect((await walked(join(root, 'repo/pkg'))).paths).toEqual(['code'])
})

it('leaves .git out, and takes everything with all', async () => {
  plant({ '.git/HEAD': '', '.gitignore': 'x\n', x: '', y: '' })
  expect((await walked()).paths).toEqual(['.gitignore', 'y'])
  expect((await walked(root, true)).paths).toEqual(['.git', '.git/HEAD', '.gitignore', 'x', 'y'])
})

it('names links without following them, and says what it leaves out', async () => {
  plant({ 'real/file': '' })
  symlinkSync('..', join(root, 'real/up'))
  symlinkSync('nowhere', join(root, 'dangling'))
  const socket = createServer()
  await new Promise<void>((resolve) => socket.listen(join(root, 'socket'), resolve))
  expect(await walked()).toEqual({ paths: ['dangling', 'real', 'real/file', 'real/up'], skipped: ['socket'] })
  await new Promise((resolve) => socket.close(resolve))
})

it('takes names that look like something else for what they are', async () => {
  const names = ['-rf', '@archive', 'a\nb', '…', '🛳', `${'n'.repeat(255)}`, '!bang', '#hash', ' space ']
  plant(Object.fromEntries(names.map((name) => [name, ''])))
  expect((await walked()).paths.toSorted()).toEqual(names.toSorted())
})
