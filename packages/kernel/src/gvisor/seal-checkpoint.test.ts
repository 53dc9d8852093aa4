import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sealCheckpoint } from './seal-checkpoint.ts'

let base: string
let folder: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'bh-seal-'))
  folder = join(base, 'checkpoint')
  mkdirSync(folder)
  writeFileSync(join(folder, 'a.img'), 'memory', { mode: 0o600 })
})
afterEach(() => {
  chmodSync(folder, 0o700)
  rmSync(base, { recursive: true })
})
const modeOf = (path: string) => statSync(path).mode & 0o777

it('makes the files readable for all and writable for none', async () => {
  await sealCheckpoint(folder, false)
  expect(modeOf(join(folder, 'a.img'))).toBe(0o444)
})

it('does not follow a link that was put among them: what it names stays as closed as it was', async () => {
  writeFileSync(join(base, 'shadow'), 'secret', { mode: 0o600 })
  symlinkSync(join(base, 'shadow'), join(folder, 'pages.img'))
  await expect(sealCheckpoint(folder, false)).rejects.toThrow('something else')
  expect(modeOf(join(base, 'shadow'))).toBe(0o600)
})

it('does not wait at a pipe that was put among them', async () => {
  execFileSync('mkfifo', [join(folder, 'pages.img')])
  await expect(sealCheckpoint(folder, false)).rejects.toThrow('something else')
})
