import { expect, it } from 'vitest'
import { annotation } from '../api/index.ts'
import { poolSandbox } from './pool-sandbox.ts'
import { poolOf, templateOf } from './testing/warm-pool-objects.ts'

const podTemplate = {
  metadata: { labels: { app: 'x' }, annotations: { note: 'y' } },
  spec: { containers: [{ name: 'main', image: 'busybox' }] },
}

it('is whole when it is created', () => {
  const pool = poolOf({}, 'test-pool')
  const sandbox = poolSandbox(pool, templateOf({ podTemplate, service: true }), {
    name: 'test-pool-bcdfg',
    evictable: true,
  })
  expect(sandbox).toEqual({
    metadata: {
      namespace: 'default',
      name: 'test-pool-bcdfg',
      labels: {
        'agents.x-k8s.io/warm-pool-sandbox': '59733166',
        'agents.x-k8s.io/sandbox-template-ref-hash': expect.stringMatching(/^[0-9a-f]{8}$/),
        'agents.x-k8s.io/sandbox-template-hash': expect.stringMatching(/^[0-9a-f]{16}$/),
        'agents.x-k8s.io/sandbox-pod-template-hash': expect.stringMatching(/^[0-9a-f]{16}$/),
        'agents.x-k8s.io/launch-type': 'warm',
        'agents.x-k8s.io/created-by': 'controller',
      },
      annotations: {
        'agents.x-k8s.io/sandbox-template-ref': 'small',
        'agents.x-k8s.io/pod-name': 'test-pool-bcdfg',
      },
      ownerReferences: [
        {
          apiVersion: 'extensions.agents.x-k8s.io/v1beta1',
          kind: 'SandboxWarmPool',
          name: 'test-pool',
          uid: pool.metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      podTemplate: {
        metadata: {
          labels: { app: 'x' },
          annotations: { note: 'y', 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' },
        },
        spec: {
          ...podTemplate.spec,
          automountServiceAccountToken: false,
          dnsPolicy: 'None',
          dnsConfig: { nameservers: ['8.8.8.8', '1.1.1.1'] },
        },
      },
      service: true,
    },
  })
})

it.each([
  ['the flag is off', {}, false, undefined],
  ['the template says so', { [annotation.safeToEvict]: 'false' }, true, 'false'],
])('is not safe to evict when %s', (_, annotations, evictable, value) => {
  const template = templateOf({ podTemplate: { metadata: { annotations }, spec: podTemplate.spec } })
  const { spec } = poolSandbox(poolOf(), template, { name: 'a', evictable })
  expect(spec.podTemplate.metadata?.annotations?.[annotation.safeToEvict]).toBe(value)
})
