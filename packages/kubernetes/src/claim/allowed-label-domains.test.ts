import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { defaultLabelDomains, labelDomainsOf, parseLabelDomains } from './allowed-label-domains.ts'

it.each<[string, readonly string[]]>([
  ['a.io', ['a.io']],
  ['a.io, b.io\nC.io\n', ['a.io', 'b.io', 'c.io']],
  [' \n,', defaultLabelDomains],
])('reads %j', (text, domains) => {
  expect(parseLabelDomains(text)).toEqual(domains)
})

it('follows the file, and has a default without one', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'label-domains-'))
  try {
    const file = path.join(folder, 'domains')
    const domains = labelDomainsOf(file)
    expect(domains()).toEqual(['sandbox.users.io'])
    writeFileSync(file, 'a.io')
    expect(domains()).toEqual(['a.io'])
    writeFileSync(file, 'b.io')
    expect(domains()).toEqual(['b.io'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
