import { expect, it } from 'vitest'
import { peerOf, serveKubernetes } from './serve-kubernetes.ts'

it.each([
  ['10.0.0.0/8', { ipBlock: { cidr: '10.0.0.0/8' } }],
  ['fd00::/8', { ipBlock: { cidr: 'fd00::/8' } }],
  ['my-system', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'my-system' } } }],
])('%s', (text, peer) => {
  expect(peerOf(text)).toEqual(peer)
})

it.each(['', '10.0.0.0', '10.0.0.0/33', '300.0.0.0/8', 'fd00::/129', 'A', '-a', 'a/b', '*'])('no peer: %j', (text) => {
  expect(() => peerOf(text)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
})

const from = ['10.0.0.0/8']
it.each([
  [{}, '--from'],
  [{ from, pool: '-1' }, '--pool'],
  [{ from, pool: '1001' }, '--pool'],
  [{ from, pool: '1e3' }, '--pool'],
  [{ from, namespace: 'A' }, '--namespace'],
  [{ from, namespace: 'a', keyNamespace: 'a' }, '--key-namespace'],
])('%j is refused before anything is asked of a cluster', (options, field) => {
  expect(() => serveKubernetes(options)).toThrow(
    expect.objectContaining({ code: 'invalid_request', facts: expect.objectContaining({ field }) })
  )
})
