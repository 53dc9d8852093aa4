import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { errorTable } from '@bulkhead/wire'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')
const docs = readFileSync(path.join(root, 'docs/errors.md'), 'utf8')
const sources = execFileSync(
  'git',
  ['ls-files', '-co', '--exclude-standard', 'packages/*/src/*.ts', 'tools/cluster/*.ts'],
  {
    cwd: root,
    encoding: 'utf8',
  }
)
  .split('\n')
  .filter((file) => file && !file.endsWith('.test.ts') && file !== 'packages/wire/src/errors.ts')
  .map((file) => readFileSync(path.join(root, file), 'utf8'))

/** Facts of any shape: enough for a `next` that reads them. */
const anyFacts = new Proxy({}, { get: (_, key) => (typeof key === 'string' ? key : undefined) })

describe.each(Object.entries(errorTable))('error %s', (code, definition) => {
  it('is explained in docs/errors.md, with its status', () => {
    expect(docs).toContain(`### ${code} (${definition.status})`)
  })
  it('is explained in a sentence', () => {
    const [, section = ''] = docs.split(`### ${code} (${definition.status})\n`)
    const [text = ''] = section.split('\n### ')
    // Words and a full stop: neither nothing nor `???`.
    expect(text.trim()).toMatch(/^[^?]*(\p{L}+[^?]*\s){3}[^?]*\.$/su)
  })
  it('is thrown somewhere', () => {
    expect(sources.some((source) => source.includes(`'${code}'`))).toBe(true)
  })
  it('says what to do next', () => {
    const next = (definition.next as (facts: unknown) => string)(anyFacts)
    expect(next.length).toBeGreaterThan(15)
  })
})

it('documents no code that does not exist', () => {
  const documented = [...docs.matchAll(/^### (\w+)/gm)].map((match) => match[1])
  expect(documented.filter((code) => code !== undefined && !(code in errorTable))).toEqual([])
})
