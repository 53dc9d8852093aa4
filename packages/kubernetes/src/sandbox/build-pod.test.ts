import { expect, it } from 'vitest'
import { sandboxes } from '../api/index.ts'
import { controllerReference } from '../controller/index.ts'
import { buildPod } from './build-pod.ts'
import { buildVolumeClaims } from './build-volume-claims.ts'
import { podMetadata } from './pod-metadata.ts'
import { storedSandbox } from './testing/stored-sandbox.ts'

const containers = [{ name: 'main', image: 'i' }]
const claimSpec = { accessModes: ['ReadWriteOnce'] }

it('names a Pod like its Sandbox, which owns it', () => {
  const sandbox = storedSandbox()
  expect(buildPod(sandbox, {})).toEqual({
    metadata: {
      namespace: 'ns',
      name: 'my-sandbox',
      ...podMetadata(sandbox),
      ownerReferences: [controllerReference(sandboxes, sandbox)],
    },
    spec: { containers },
  })
})

it('mounts the volume claims, in place of volumes of their names', () => {
  const kept = { name: 'tmp', emptyDir: {} }
  const podTemplate = { spec: { containers, volumes: [{ name: 'data', emptyDir: {} }, kept] } }
  const volumeClaimTemplates = [
    { metadata: { name: 'data', labels: { a: '1' }, annotations: { b: '2' } }, spec: claimSpec },
    { metadata: { name: 'more' }, spec: claimSpec },
  ]
  const sandbox = storedSandbox({ spec: { podTemplate, volumeClaimTemplates } })
  expect(buildPod(sandbox, {}).spec?.volumes).toEqual([
    kept,
    { name: 'data', persistentVolumeClaim: { claimName: 'data-my-sandbox' } },
    { name: 'more', persistentVolumeClaim: { claimName: 'more-my-sandbox' } },
  ])
  const ownerReferences = [controllerReference(sandboxes, sandbox)]
  const hash = { 'agents.x-k8s.io/sandbox-name-hash': '374de8f5' }
  expect(buildVolumeClaims(sandbox)).toEqual([
    {
      metadata: {
        namespace: 'ns',
        name: 'data-my-sandbox',
        labels: { a: '1', ...hash },
        annotations: { b: '2' },
        ownerReferences,
      },
      spec: claimSpec,
    },
    { metadata: { namespace: 'ns', name: 'more-my-sandbox', labels: hash, ownerReferences }, spec: claimSpec },
  ])
})

it.each([
  [undefined, undefined, undefined],
  [undefined, 'gvisor', 'gvisor'],
  ['kata', 'gvisor', 'kata'],
  ['kata', undefined, 'kata'],
])('a Pod that asks for RuntimeClass %s, where the default is %s, gets %s', (asked, standard, expected) => {
  const podTemplate = { spec: { containers, ...(asked && { runtimeClassName: asked }) } }
  const pod = buildPod(storedSandbox({ spec: { podTemplate } }), standard ? { defaultRuntimeClass: standard } : {})
  expect(pod.spec?.runtimeClassName).toBe(expected)
})
