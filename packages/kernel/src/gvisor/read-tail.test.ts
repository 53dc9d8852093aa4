import { execFileSync } from 'node:child_process'
import { linkSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readTail } from './read-tail.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bh-tail-'))
  writeFileSync(join(folder, 'secret'), 'of somebody else')
})
afterEach(() => rmSync(folder, { recursive: true }))

it('gives the end of a file, and nothing of one that is not there', async () => {
  writeFileSync(join(folder, 'log'), `${'x'.repeat(100)}the end\n`)
  expect(await readTail(join(folder, 'log'), 8)).toBe('the end')
  expect(await readTail(join(folder, 'missing'), 8)).toBe('')
})

describe('what a broken-out kernel put in the place of its log', () => {
  it.each<[string, (path: string) => void]>([
    ['a link to a file of the host', (path) => symlinkSync(join(folder, 'secret'), path)],
    ['a second name for a file of the host', (path) => linkSync(join(folder, 'secret'), path)],
    ['a pipe that nobody writes to', (path) => execFileSync('mkfifo', [path])],
    ['a folder', (path) => execFileSync('mkdir', [path])],
  ])('is refused at once: %s', async (_, put) => {
    put(join(folder, 'log'))
    await expect(readTail(join(folder, 'log'), 100)).rejects.toThrow('something else has been put in the place of log')
  })
})
