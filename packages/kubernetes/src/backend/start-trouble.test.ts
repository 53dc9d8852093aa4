import { describe, expect, it } from 'vitest'
import type { SandboxClaim } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import type { CachedPod } from './cached-pod.ts'
import { startTrouble, whyNotYet } from './start-trouble.ts'

const wanted = { id: 'sb-x', image: 'some/image', runtime: 'gvisor' } as const
const claim = (ready?: object) =>
  ({ status: { conditions: ready ? [{ type: 'Ready', ...ready }] : [] } }) as unknown as Stored<SandboxClaim>
const waiting = (reason: string, message = '') => [{ state: { waiting: { reason, message } } }]
const pod = (status: object) => ({ status }) as Pick<CachedPod, 'status'>

describe('what a kubelet says of the image', () => {
  // As containerd 2.2 says it.
  it.each([
    ['InvalidImageName', 'couldn\'t parse image name "a b"', 'image_reference_invalid'],
    [
      'ErrImagePull',
      'failed to pull and unpack image "r/x:1": failed to resolve reference "r/x:1": r/x:1: not found',
      'image_not_found',
    ],
    [
      'ErrImagePull',
      'pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials',
      'registry_unauthorized',
    ],
    [
      'ErrImagePull',
      'unexpected status from HEAD request to https://r/v2/x/manifests/1: 403 Forbidden',
      'registry_unauthorized',
    ],
    ['ErrImagePull', 'dial tcp: lookup registry-1.docker.io: no such host', 'registry_unavailable'],
    ['ErrImagePull', 'dial tcp 10.0.0.1:443: i/o timeout', 'registry_unavailable'],
    ['ErrImageNeverPull', 'Container image "x" is not present with pull policy of Never', 'image_not_found'],
    ['SignatureValidationFailed', 'no signature', 'image_invalid'],
    ['CreateContainerConfigError', 'container has runAsNonRoot and image will run as root', 'kernel_start_failed'],
    ['RunContainerError', 'exec format error', 'kernel_start_failed'],
  ])('%s: %s', (reason, message, code) => {
    expect(startTrouble(claim(), pod({ containerStatuses: waiting(reason, message) }), wanted)).toMatchObject({ code })
  })

  it.each(['ContainerCreating', 'PodInitializing', 'ImagePullBackOff'])('%s is no end', (reason) => {
    const status = { containerStatuses: waiting(reason, 'Back-off pulling image') }
    expect(startTrouble(claim(), pod(status), wanted)).toBeUndefined()
  })
})

it('does not blame the caller’s image for the agent’s', () => {
  const status = { initContainerStatuses: waiting('ErrImagePull', 'agent:1: not found') }
  expect(startTrouble(claim(), pod(status), wanted)).toMatchObject({
    code: 'kernel_start_failed',
    facts: { reason: expect.stringContaining('guest agent') },
  })
})

it.each([
  [{ status: 'False', reason: 'ClaimExpired', message: 'over' }, 'kernel_start_failed'],
  [{ status: 'False', reason: 'EnvVarsInjectionRejected', message: 'no' }, 'kernel_start_failed'],
  [{ status: 'False', reason: 'WarmPoolNotFound', message: 'none' }, undefined],
  [{ status: 'False', reason: 'DependenciesNotReady', message: 'Pod exists' }, undefined],
  [{ status: 'True', reason: 'DependenciesReady', message: '' }, undefined],
])('a claim that says %j', (ready, code) => {
  expect(startTrouble(claim(ready), undefined, wanted)?.code).toBe(code)
})

it('tells a Pod that has ended', () => {
  expect(startTrouble(claim(), pod({ phase: 'Failed' }), wanted)).toMatchObject({ code: 'kernel_start_failed' })
})

it('says what is being waited for', () => {
  const unscheduled = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/2 nodes' }
  expect(whyNotYet(claim(), pod({ conditions: [unscheduled] }))).toBe('Unschedulable: 0/2 nodes')
  expect(whyNotYet(claim(), pod({ containerStatuses: waiting('ImagePullBackOff', 'slow') }))).toMatch(/slow/)
  expect(whyNotYet(claim(), undefined)).toMatch(/operator/)
  expect(whyNotYet(claim(), pod({}))).toMatch(/does not run yet/)
})
