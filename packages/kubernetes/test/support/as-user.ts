import {
  type ApiClient,
  type ClientDefaults,
  kubeconfigAccess,
  type OpenedApiClient,
  openApiClient,
  resourceType,
  systemClock,
} from '../../src/controller/index.ts'
import type { Permission } from '../../src/manifests/permissions.ts'
import type { ControlPlane } from './control-plane.ts'

/** As somebody with nothing but the permissions they were given: the administrator acts as them. */
export async function openAsUser(
  { kubeconfig }: Pick<ControlPlane, 'kubeconfig'>,
  user: string,
  defaults: ClientDefaults = {}
): Promise<OpenedApiClient> {
  const access = await kubeconfigAccess({ clock: systemClock, file: kubeconfig })
  const headers = async () => ({ ...(await access.headers()), 'impersonate-user': user })
  return openApiClient({ access: { ...access, headers }, clock: systemClock, defaults })
}

const rbac = (kind: string, plural: string, namespaced: boolean) =>
  resourceType<object & { metadata: { name: string } }>({
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    plural,
    kind,
    namespaced,
  })
const clusterRoles = rbac('ClusterRole', 'clusterroles', false)
const clusterRoleBindings = rbac('ClusterRoleBinding', 'clusterrolebindings', false)
const roleBindings = rbac('RoleBinding', 'rolebindings', true)
const rbacGroup = clusterRoles.group

/** Gives a user permissions in the whole cluster. `name`: of the role. */
export async function permit(
  client: ApiClient,
  user: string,
  name: string,
  rules: readonly Omit<Permission, 'why'>[]
): Promise<void> {
  const subjects = [{ apiGroup: rbacGroup, kind: 'User', name: user }]
  const roleRef = { apiGroup: rbacGroup, kind: 'ClusterRole', name }
  const plain = rules.map(({ apiGroups, resources, verbs, resourceNames }) => ({
    apiGroups,
    resources,
    verbs,
    ...(resourceNames && { resourceNames }),
  }))
  await client.create(clusterRoles, { metadata: { name }, rules: plain } as object & { metadata: { name: string } })
  await client.create(clusterRoleBindings, { metadata: { name }, roleRef, subjects } as object & {
    metadata: { name: string }
  })
}

/** Gives a user in a namespace what Kubernetes' own role `edit` has; the role itself is empty where no controller puts it together. */
export async function permitToEdit(client: ApiClient, user: string, namespace: string): Promise<void> {
  const subjects = [{ apiGroup: rbacGroup, kind: 'User', name: user }]
  const roleRef = { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'system:aggregate-to-edit' }
  await client.create(roleBindings, { metadata: { namespace, name: user }, roleRef, subjects } as object & {
    metadata: { name: string; namespace: string }
  })
}
