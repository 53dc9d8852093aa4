import type { IsolationPolicy, IsolationPolicySpec } from '../../api/index.ts'
import type { Stored } from '../../controller/index.ts'

/** A policy as the API server gives it out. */
export const storedPolicy = (
  spec: Partial<IsolationPolicySpec> = {},
  status?: IsolationPolicy['status']
): Stored<IsolationPolicy> => ({
  apiVersion: 'bulkhead.dev/v1alpha1',
  kind: 'IsolationPolicy',
  metadata: {
    name: 'agents',
    uid: 'u1',
    resourceVersion: '1',
    generation: 3,
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: {
    namespaceSelector: { matchLabels: { isolation: 'on' } },
    runtimeClasses: [
      { name: 'gvisor', class: 'userspace' },
      { name: 'kata', class: 'hardware' },
    ],
    ...spec,
  },
  ...(status && { status }),
})
