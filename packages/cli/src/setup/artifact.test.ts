import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { contentKey, ensureArtifact, hasArtifact } from './artifact.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bulkhead-artifact-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const recipe = (build: (into: string) => Promise<void>) => ({ name: 'thing', key: '0123', programs: ['whole'], build })
const writeProgram = (path: string) => writeFileSync(path, '#!', { mode: 0o755 })
const live = new AbortController().signal

it('builds once, and never shows a half-built one', async () => {
  const halfway = recipe(async (into) => {
    writeFileSync(join(into, 'half'), '')
    throw new Error('power cut')
  })
  await expect(ensureArtifact(root, halfway, live)).rejects.toThrow('power cut')
  expect(hasArtifact(root, halfway)).toBe(false)

  let builds = 0
  const whole = recipe(async (into) => {
    builds++
    expect(readdirSync(into)).toEqual([]) // nothing of the first attempt
    writeProgram(join(into, 'whole'))
  })
  const place = await ensureArtifact(root, whole, live)
  expect(await ensureArtifact(root, whole, live)).toBe(place)
  expect(builds).toBe(1)
  expect(readdirSync(place)).toEqual(['whole'])
})

it.each([
  ['gone', (program: string) => rmSync(program)],
  ['empty', (program: string) => truncateSync(program)],
  ['not executable', (program: string) => chmodSync(program, 0o644)],
])('builds again when a program is %s, and replaces the folder only by a whole one', async (_, damage) => {
  const whole = recipe(async (into) => writeProgram(join(into, 'whole')))
  const place = await ensureArtifact(root, whole, live)
  writeFileSync(join(place, 'beside'), '')
  damage(join(place, 'whole'))
  expect(hasArtifact(root, whole)).toBe(false)

  const halfway = recipe(async () => {
    throw new Error('power cut')
  })
  await expect(ensureArtifact(root, halfway, live)).rejects.toThrow('power cut')
  expect(readdirSync(place)).toContain('beside')

  expect(await ensureArtifact(root, whole, live)).toBe(place)
  expect(hasArtifact(root, whole)).toBe(true)
  expect(readdirSync(root)).toEqual(['thing-0123'])
  expect(readdirSync(place)).toEqual(['whole'])
})

it('does not keep what was finished after an abort', async () => {
  const abort = new AbortController()
  const late = recipe(async () => abort.abort(new Error('Ctrl-C')))
  await expect(ensureArtifact(root, late, abort.signal)).rejects.toThrow('Ctrl-C')
  expect(hasArtifact(root, late)).toBe(false)
})

it('keys by what counts: names, contents and flags, not times or other files', async () => {
  const go = (path: string) => path.endsWith('.go')
  mkdirSync(join(root, 'a'))
  writeFileSync(join(root, 'a/x.go'), 'one')
  const key = await contentKey(root, go, ['-trimpath'])
  writeFileSync(join(root, 'a/notes.txt'), 'other')
  writeFileSync(join(root, 'a/x.go'), 'one')
  expect(await contentKey(root, go, ['-trimpath'])).toBe(key)
  expect(await contentKey(root, go, ['-race'])).not.toBe(key)
  writeFileSync(join(root, 'a/x.go'), 'two')
  expect(await contentKey(root, go, ['-trimpath'])).not.toBe(key)
})
