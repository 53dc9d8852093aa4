import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { buildInitrd } from './build-initrd.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bulkhead-initrd-'))
})
afterEach(() => rm(folder, { recursive: true }))

it('is the same file for the same inputs, and another one when an input or the order changes', async () => {
  const path = (name: string) => join(folder, name)
  for (const name of ['agent', 'a.ko', 'b.ko']) await writeFile(path(name), name)
  const into = path('into')
  await mkdir(into)
  const inputs = { agent: path('agent'), modules: [path('a.ko'), path('b.ko')], into }
  const first = await buildInitrd(inputs)
  const bytes = await readFile(first)
  await utimes(path('agent'), 1, 1)
  expect(await buildInitrd(inputs)).toBe(first)
  expect(bytes.toString('latin1')).toContain('modules/load\0')
  expect(bytes.toString('latin1')).toContain('a.ko\nb.ko\n')

  const reordered = await buildInitrd({ ...inputs, modules: inputs.modules.toReversed() })
  await writeFile(path('agent'), 'another')
  expect(new Set([first, reordered, await buildInitrd(inputs)]).size).toBe(3)
  expect(await readFile(first)).toEqual(bytes)
  expect((await readdir(into)).filter((name) => !name.endsWith('.cpio'))).toEqual([])
})
