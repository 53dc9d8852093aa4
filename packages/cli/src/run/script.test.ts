import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findScript, placeScript } from './script.ts'

let cwd: string
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'bulkhead-script-'))
  mkdirSync(join(cwd, 'bin'))
  for (const name of ['a.py', 'a.MJS', 'ls', 'bin/tool', 'bin/data']) writeFileSync(join(cwd, name), '#!/bin/sh\n')
  writeFileSync(join(cwd, 'bin/data'), '#')
  mkdirSync(join(cwd, 'folder.py'))
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

it.each([
  ['a.py', ['python3']],
  ['./a.py', ['python3']],
  ['a.MJS', ['node']],
  ['bin/tool', undefined],
])('%s is a script', async (word, interpreter) => {
  expect(await findScript(word, cwd)).toEqual({ path: join(cwd, word), interpreter })
})

it.each([
  ['ls'],
  ['bin/data'],
  ['missing.py'],
  ['folder.py'],
  ['/usr/bin/env'],
  [''],
  ['a\0.py'],
  [`${'n'.repeat(300)}.py`],
])('%j means a program of the sandbox', async (word) => expect(await findScript(word, cwd)).toBeUndefined())

it('stays where it is inside the uploaded folder, and goes apart otherwise', () => {
  const script = { path: '/work/src/a.py', interpreter: ['python3'] }
  expect(placeScript(script, '/work')).toEqual({ words: ['python3', './src/a.py'], upload: false })
  expect(placeScript(script, '/work/other')).toEqual({ words: ['python3', '/tmp/bulkhead/a.py'], upload: true })
  expect(placeScript({ ...script, interpreter: undefined }, undefined)).toEqual({
    words: ['/tmp/bulkhead/a.py'],
    upload: true,
  })
})
