import type { Manifest, ManifestOptions } from './manifest.ts'
import { appLabels } from './manifest.ts'
import { operatorName, routerName, serverName, witnessName } from './names.ts'
import {
  editorPermissions,
  leadershipPermissions,
  operatorPermissions,
  type Permission,
  routerPermissions,
  serverClusterPermissions,
  serverKeyPermissions,
  serverPermissions,
  viewerPermissions,
  witnessPermissions,
} from './permissions.ts'

/** Why a rule is in its role: beside the rule's members, where neither JSON nor the API server sees it. */
export const why = Symbol('why')

/** Who the operator is, and what it may do. */
export const operatorAccess = ({ namespace }: ManifestOptions): Manifest[] => [
  serviceAccount(operatorName, namespace),
  role('ClusterRole', { name: operatorName }, operatorPermissions),
  binding('ClusterRole', { name: operatorName }, namespace),
  role('Role', { name: operatorName, namespace }, leadershipPermissions),
  binding('Role', { name: operatorName, namespace }, namespace),
]

export const routerAccess = ({ namespace }: ManifestOptions): Manifest[] => [
  serviceAccount(routerName, namespace),
  role('ClusterRole', { name: routerName }, routerPermissions),
  binding('ClusterRole', { name: routerName }, namespace),
]

export const witnessAccess = (): Manifest[] => [
  serviceAccount(witnessName, witnessName),
  role('ClusterRole', { name: witnessName }, witnessPermissions),
  binding('ClusterRole', { name: witnessName }, witnessName),
]

/** Who a server is, and what it may do: `namespace` has its key, `sandboxes` what it makes. */
export const serverAccess = (namespace: string, sandboxes: string): Manifest[] => [
  serviceAccount(serverName, namespace),
  role('ClusterRole', { name: serverName }, serverClusterPermissions),
  binding('ClusterRole', { name: serverName }, namespace),
  role('Role', { name: serverName, namespace: sandboxes }, serverPermissions),
  binding('Role', { name: serverName, namespace: sandboxes }, namespace),
  role('Role', { name: serverName, namespace }, serverKeyPermissions),
  binding('Role', { name: serverName, namespace }, namespace),
]

/** Kubernetes adds them to its own roles for people. */
export const peopleAccess = (): Manifest[] => [
  role('ClusterRole', { name: 'agent-sandbox-edit', labels: aggregatedTo('admin', 'edit') }, editorPermissions),
  role('ClusterRole', { name: 'agent-sandbox-view', labels: aggregatedTo('view') }, viewerPermissions),
]

const aggregatedTo = (...roles: string[]) =>
  Object.fromEntries(roles.map((name) => [`rbac.authorization.k8s.io/aggregate-to-${name}`, 'true']))

interface Named {
  readonly name: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
}

/** Pods ask for the token by themselves: nothing else that runs as this account gets one unasked. */
const serviceAccount = (name: string, namespace: string): Manifest =>
  ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace, labels: appLabels(name) },
    automountServiceAccountToken: false,
  }) as Manifest

export const role = (
  kind: 'ClusterRole' | 'Role',
  { labels, ...metadata }: Named,
  permissions: readonly Permission[]
): Manifest =>
  ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    metadata: { ...metadata, labels: { 'app.kubernetes.io/part-of': 'bulkhead', ...labels } },
    rules: permissions.map(({ why: reason, ...rule }) => ({ ...rule, [why]: reason })),
  }) as Manifest

const binding = (kind: 'ClusterRole' | 'Role', { name, ...rest }: Named, namespace: string): Manifest =>
  ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: `${kind}Binding`,
    metadata: { name, ...rest, labels: { 'app.kubernetes.io/part-of': 'bulkhead' } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  }) as Manifest
