import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ociArchive } from './oci-archive.ts'
import { tarArchive } from './tar-archive.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-oci-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const image = {
  name: 'bulkhead.test/thing:7',
  layers: [
    [
      { type: 'Directory', path: 'bin/' },
      { type: 'File', path: 'bin/tool', content: Buffer.from('#!/bin/sh\n'), mode: 0o755 },
      { type: 'SymbolicLink', path: 'bin/alias', target: 'tool' },
      { type: 'Directory', path: 'tmp/', mode: 0o1777 },
    ],
    [{ type: 'File', path: 'bin/other', content: Buffer.from('') }],
  ],
  user: '65532:65532',
  command: ['/bin/tool'],
} as const

/** What tar itself makes of it. */
function unpack(archive: Buffer): string[] {
  writeFileSync(join(folder, 'archive.tar'), archive)
  execFileSync('tar', ['-xf', 'archive.tar'], { cwd: folder })
  return execFileSync('tar', ['-tvf', 'archive.tar'], { cwd: folder, encoding: 'utf8' }).trimEnd().split('\n')
}

it('is an OCI layout whose digests hold, under the name it was given', () => {
  unpack(ociArchive(image))
  const blobs = join(folder, 'blobs/sha256')
  for (const digest of readdirSync(blobs)) {
    expect(
      createHash('sha256')
        .update(readFileSync(join(blobs, digest)))
        .digest('hex')
    ).toBe(digest)
  }
  const read = (path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8'))
  const blob = (digest: string) => read(`blobs/sha256/${digest.replace('sha256:', '')}`)
  const [entry] = read('index.json').manifests
  expect(entry.annotations['io.containerd.image.name']).toBe('bulkhead.test/thing:7')
  const manifest = blob(entry.digest)
  const config = blob(manifest.config.digest)
  expect(config.rootfs.diff_ids).toEqual(manifest.layers.map((layer: { digest: string }) => layer.digest))
  expect(manifest.layers).toHaveLength(2)
  expect(config.config.User).toBe('65532:65532')
  expect(config.config.Cmd).toEqual(['/bin/tool'])
})

it('has a layer that tar reads: modes, links and owners as given', () => {
  const listing = unpack(tarArchive(image.layers[0]))
  expect(listing.map((line) => line.split(/\s+/).slice(0, 2).join(' '))).toEqual([
    'drwxr-xr-x 0/0',
    '-rwxr-xr-x 0/0',
    'lrwxrwxrwx 0/0',
    'drwxrwxrwt 0/0',
  ])
  expect(listing[2]).toMatch(/bin\/alias -> tool$/)
})

it('is the same for the same input', () => {
  expect(ociArchive(image).equals(ociArchive({ ...image }))).toBe(true)
})

it('refuses a path that would be cut off', () => {
  expect(() => tarArchive([{ type: 'Directory', path: 'x'.repeat(100) }])).toThrow(TypeError)
})
