import { describe, expect, it } from 'vitest'
import { kubernetesManifests } from './kubernetes.ts'

describe('the manifests', () => {
  it.each([
    ['--namespace', { namespace: '../../etc' }],
    ['--namespace', { namespace: '' }],
    ['--namespace', { namespace: 'a'.repeat(64) }],
    ['--image', { image: 'a\nkind: Pod' }],
    ['--image', { image: '-x' }],
    ['--default-runtime-class', { defaultRuntimeClass: '{{.Values}}' }],
    ['--default-runtime-class', { defaultRuntimeClass: 'a..b' }],
  ])('refuse what is no name for %s: %j', async (field, options) => {
    await expect(kubernetesManifests([], options)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(field),
    })
  })
})
