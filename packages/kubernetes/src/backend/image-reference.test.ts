import { expect, it } from 'vitest'
import { podImage } from './image-reference.ts'

const digest = `sha256:${'0'.repeat(64)}`
const names = { defaultImage: 'debian:bookworm' }
const mirrored = { ...names, registry: 'registry.example/hub' }

it.each([
  ['default', 'debian:bookworm', 'debian:bookworm'],
  ['python:3.12', 'python:3.12', 'registry.example/hub/python:3.12'],
  ['library/python', 'library/python', 'registry.example/hub/library/python'],
  ['ghcr.io/a/b:c', 'ghcr.io/a/b:c', 'ghcr.io/a/b:c'],
  ['localhost/a', 'localhost/a', 'localhost/a'],
  ['host:5000/a_b/c', 'host:5000/a_b/c', 'host:5000/a_b/c'],
  [`a@${digest}`, `a@${digest}`, `registry.example/hub/a@${digest}`],
])('%s', (name, plain, from) => {
  expect(podImage(name, names)).toBe(plain)
  expect(podImage(name, mirrored)).toBe(from)
})

it.each([
  '',
  ' ',
  'A',
  'a b',
  'a\n',
  '../a',
  '/a',
  'a/',
  'a:',
  'a:b:c',
  'a@sha256:12',
  '🧱',
  'oci:/a',
  'docker-archive:/a',
  'a'.repeat(600),
])('no reference: %j', (name) => {
  expect(() => podImage(name, names)).toThrow(expect.objectContaining({ code: 'image_reference_invalid' }))
})
