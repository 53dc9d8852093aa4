import type { Sandbox, SandboxStatus } from '../../api/index.ts'
import type { OwnerReference, Service, Stored, StoredMeta } from '../../controller/index.ts'
import type { CachedPod } from '../../operator/cached-pod.ts'

const stored = (name: string, uid: string, metadata: Partial<StoredMeta>): StoredMeta => ({
  namespace: 'ns',
  name,
  uid,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...metadata,
})

export interface SandboxParts {
  readonly metadata?: Partial<StoredMeta>
  readonly spec?: Partial<Sandbox['spec']>
  readonly status?: SandboxStatus
}

/** Sandbox `my-sandbox`, whose name hash is `374de8f5`, as the API server gives it out. */
export const storedSandbox = ({ metadata = {}, spec, status }: SandboxParts = {}): Stored<Sandbox> => ({
  apiVersion: 'agents.x-k8s.io/v1beta1',
  kind: 'Sandbox',
  metadata: stored('my-sandbox', 'sandbox-uid', { generation: 3, ...metadata }),
  spec: { podTemplate: { spec: { containers: [{ name: 'main', image: 'i' }] } }, operatingMode: 'Running', ...spec },
  ...(status && { status }),
})

export const controllerRef = (kind: string, name: string, uid: string, apiVersion = 'apps/v1'): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
})

export const extensionRef = (kind: string): OwnerReference =>
  controllerRef(kind, 'owner', 'owner-uid', 'extensions.agents.x-k8s.io/v1alpha1')

export const ofSandbox = { ownerReferences: [controllerRef('Sandbox', 'my-sandbox', 'sandbox-uid')] }

export const storedPod = (
  status: CachedPod['status'] = {},
  metadata: Partial<StoredMeta> = ofSandbox,
  nodeName?: string
): Stored<CachedPod> => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: stored('my-sandbox', 'pod-uid', metadata),
  spec: nodeName ? { nodeName } : {},
  status,
})

export const storedService = (
  spec: Service['spec'] = {},
  metadata: Partial<StoredMeta> = ofSandbox
): Stored<Service> => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: stored('my-sandbox', 'service-uid', metadata),
  spec,
})
