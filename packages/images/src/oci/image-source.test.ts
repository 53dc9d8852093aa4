import { describe, expect, it } from 'vitest'
import { absoluteReference, parseImageSource, pinned } from './image-source.ts'

const digest = `sha256:${'a'.repeat(64)}`

describe('parseImageSource', () => {
  it.each([
    ['debian', 'registry', 'docker://debian', false],
    ['docker://team/app:1', 'registry', 'docker://team/app:1', false],
    ['localhost:5000/app', 'registry', 'docker://localhost:5000/app', true],
    ['127.0.0.1/app', 'registry', 'docker://127.0.0.1/app', true],
    ['[::1]:5000/app', 'registry', 'docker://[::1]:5000/app', true],
    ['127.0.0.1.example.org/app', 'registry', 'docker://127.0.0.1.example.org/app', false],
    ['localhost.example.org/app', 'registry', 'docker://localhost.example.org/app', false],
    ['localhost', 'registry', 'docker://localhost', false],
    ['oci:/srv/image:tag', 'oci', 'oci:/srv/image:tag', false],
    ['docker-archive:/srv/a.tar', 'docker-archive', 'docker-archive:/srv/a.tar', false],
    // Another of skopeo's transports is never reached: it is a strange name in a registry.
    ['containers-storage:x', 'registry', 'docker://containers-storage:x', false],
    ['-rf', 'registry', 'docker://-rf', false],
  ])('%s', (given, kind, location, loopback) => {
    expect(parseImageSource(given)).toMatchObject({ kind, location, loopback })
  })
})

it.each([
  ['app', 'docker://app'],
  ['app:1', 'docker://app'],
  ['host:5000/app', 'docker://host:5000/app'],
  ['host:5000/app:1', 'docker://host:5000/app'],
  [`host/app@${digest}`, 'docker://host/app'],
])('pinned(%s) has no tag beside the digest', (given, location) => {
  expect(pinned(parseImageSource(given), digest).location).toBe(`${location}@${digest}`)
})

it.each([
  ['oci:image:tag', 'oci:/home/me/image:tag'],
  ['docker-archive:../a.tar', 'docker-archive:/home/a.tar'],
  ['oci:/srv/image', 'oci:/srv/image'],
  ['debian:12', 'debian:12'],
])('absoluteReference(%s)', (given, absolute) => {
  expect(absoluteReference(given, '/home/me')).toBe(absolute)
})
