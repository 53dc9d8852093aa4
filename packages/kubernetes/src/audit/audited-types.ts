import {
  type KubernetesObject,
  nodes,
  pods,
  type ResourceType,
  resourceType,
  runtimeClasses,
} from '../controller/index.ts'
import type { PolicyRule, Subject } from './rbac-reach.ts'

export interface Role extends KubernetesObject {
  readonly rules?: readonly PolicyRule[] | null
}
export interface RoleBinding extends KubernetesObject {
  readonly roleRef: { readonly kind: string; readonly name: string }
  readonly subjects?: readonly Subject[] | null
}

const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' } as const
export const roles = resourceType<Role>({ ...rbac, plural: 'roles', kind: 'Role', namespaced: true })
export const clusterRoles = resourceType<Role>({
  ...rbac,
  plural: 'clusterroles',
  kind: 'ClusterRole',
  namespaced: false,
})
export const roleBindings = resourceType<RoleBinding>({
  ...rbac,
  plural: 'rolebindings',
  kind: 'RoleBinding',
  namespaced: true,
})
export const clusterRoleBindings = resourceType<RoleBinding>({
  ...rbac,
  plural: 'clusterrolebindings',
  kind: 'ClusterRoleBinding',
  namespaced: false,
})

/** All that an audit lists, and why: what its role has to allow. */
export const auditedTypes: readonly { readonly types: readonly ResourceType[]; readonly why: string }[] = [
  { types: [pods, nodes], why: 'which pods run where, what lies in them, and which nodes share a kernel' },
  { types: [runtimeClasses], why: 'which handler a pod runs by' },
  {
    types: [roles, clusterRoles, roleBindings, clusterRoleBindings],
    why: 'what the tokens that lie in pods open; without it an audit says that it does not know',
  },
]
