import type { ApiClient, KubernetesObject } from './api-client.ts'
import { kubeletClient } from './control-plane.ts'
import { type ClusterPlan, ports } from './plan.ts'

/** Makes the bare API server a cluster as people know it: isolated pods, volumes, a way from pods to the API, and exec and logs. */
export async function applyAddons(api: ApiClient, plan: ClusterPlan, signal: AbortSignal): Promise<void> {
  // Made by the server itself, a moment after it is ready.
  await api.until('/api/v1/namespaces', (namespaces) => has(namespaces, 'default'), signal)
  for (const [path, object] of addons(plan)) await api.apply(path, object, signal)
  // Without it no pod can be created in the namespace.
  await api.until('/api/v1/namespaces/default/serviceaccounts', (accounts) => has(accounts, 'default'), signal)
}

const has = (objects: readonly KubernetesObject[], name: string) =>
  objects.some(({ metadata }) => metadata.name === name)

function addons({ controlPlane }: ClusterPlan): [string, KubernetesObject][] {
  return [
    [
      '/apis/node.k8s.io/v1/runtimeclasses',
      { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'gvisor' }, handler: 'runsc' },
    ],
    [
      '/apis/storage.k8s.io/v1/storageclasses',
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: { name: 'hostpath', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
        provisioner: 'kubernetes.io/host-path',
        reclaimPolicy: 'Delete',
        volumeBindingMode: 'Immediate',
      },
    ],
    [
      '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: kubeletClient },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:kubelet-api-admin' },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: kubeletClient }],
      },
    ],
    [
      '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'kubernetes', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [controlPlane.address], conditions: { ready: true } }],
        ports: [{ name: 'https', port: ports.apiServer, protocol: 'TCP' }],
      },
    ],
  ]
}
