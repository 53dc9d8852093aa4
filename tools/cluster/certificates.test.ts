import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Certificates } from './certificates.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-certificates-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const { signal } = new AbortController()

it('signs what clients of the authority accept, with user, groups and names', async () => {
  const certificates = await Certificates.open(folder, signal)
  const authority = new X509Certificate((await certificates.authority).certificate)
  const issued = await certificates.issue(
    'node-1',
    { user: 'system:node:node-1', groups: ['system:nodes'], names: ['IP:10.88.0.11', 'DNS:node-1'] },
    signal
  )
  const leaf = new X509Certificate(issued.certificate)
  expect(leaf.verify(authority.publicKey)).toBe(true)
  expect(leaf.checkIssued(authority)).toBe(true)
  expect(leaf.subject).toBe('O=system:nodes\nCN=system:node:node-1')
  expect(leaf.checkIP('10.88.0.11')).toBe('10.88.0.11')
  expect([authority.ca, leaf.ca]).toEqual([true, false])
  expect(statSync(join(folder, 'node-1.key')).mode & 0o077).toBe(0)
})

it('keeps what it has made', async () => {
  const first = await Certificates.open(folder, signal)
  const made = [
    await first.authority,
    await first.issue('admin', { user: 'admin' }, signal),
    await first.signingPair('tokens'),
  ]
  const second = await Certificates.open(folder, signal)
  const kept = [
    await second.authority,
    await second.issue('admin', { user: 'admin' }, signal),
    await second.signingPair('tokens'),
  ]
  expect(kept).toEqual(made)
})
