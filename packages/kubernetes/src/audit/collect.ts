import {
  type ApiClient,
  type AsJson,
  type KubernetesObject,
  nodes,
  type Pod,
  pods,
  type ResourceType,
  resourceType,
  runtimeClasses,
  type Stored,
} from '../controller/index.ts'
import type { ClusterFacts, PodFact } from './facts.ts'
import { type Binding, type PolicyRule, RbacReach, type Subject } from './rbac-reach.ts'

interface Role extends KubernetesObject {
  readonly rules?: readonly PolicyRule[] | null
}
interface RoleBinding extends KubernetesObject {
  readonly roleRef: { readonly kind: string; readonly name: string }
  readonly subjects?: readonly Subject[] | null
}
interface ServiceAccount extends KubernetesObject {
  readonly automountServiceAccountToken?: boolean
}

const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' } as const
const roles = resourceType<Role>({ ...rbac, plural: 'roles', kind: 'Role', namespaced: true })
const clusterRoles = resourceType<Role>({ ...rbac, plural: 'clusterroles', kind: 'ClusterRole', namespaced: false })
const roleBindings = resourceType<RoleBinding>({
  ...rbac,
  plural: 'rolebindings',
  kind: 'RoleBinding',
  namespaced: true,
})
const clusterRoleBindings = resourceType<RoleBinding>({
  ...rbac,
  plural: 'clusterrolebindings',
  kind: 'ClusterRoleBinding',
  namespaced: false,
})
const serviceAccounts = resourceType<ServiceAccount>({
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
})

const pageSize = 500

/** Turns every object into what is kept of it, page by page, so that no more than a page is ever in memory as it came. */
async function collect<T extends KubernetesObject, Fact>(
  client: ApiClient,
  type: ResourceType<T>,
  keep: (object: Stored<T>) => Fact,
  signal: AbortSignal,
  fieldSelector?: string
): Promise<Fact[]> {
  const facts: Fact[] = []
  for await (const page of client.pages(type, { limit: pageSize, signal, fieldSelector }))
    for (const object of page.items) facts.push(keep(object))
  return facts
}

/**
 * Reads what an audit needs, with `list` on pods, nodes, serviceaccounts, runtimeclasses and the four kinds of RBAC; no secret is read. Fails as the
 * client does: an audit without one of these would be wrong.
 */
export async function collectFacts(client: ApiClient, signal: AbortSignal): Promise<ClusterFacts> {
  const read = <T extends KubernetesObject, Fact>(
    type: ResourceType<T>,
    keep: (object: Stored<T>) => Fact,
    fields?: string
  ) => collect(client, type, keep, signal, fields)
  const rulesAs = (kind: string) => (role: Stored<Role>) =>
    [[kind, role.metadata.namespace, role.metadata.name].filter(Boolean).join('/'), role.rules ?? []] as const
  const [nodeFacts, handlers, mounts, roleRules, clusterRules, bindings, clusterBindings] = await Promise.all([
    read(nodes, ({ metadata, status }) => ({
      name: metadata.name,
      kernelVersion: status?.nodeInfo?.kernelVersion ?? '',
      bootId: status?.nodeInfo?.bootID ?? '',
    })),
    read(runtimeClasses, ({ metadata, handler }) => [metadata.name, handler] as const),
    read(
      serviceAccounts,
      ({ metadata, automountServiceAccountToken }) =>
        [`${metadata.namespace}/${metadata.name}`, automountServiceAccountToken ?? true] as const
    ),
    read(roles, rulesAs('Role')),
    read(clusterRoles, rulesAs('ClusterRole')),
    read(roleBindings, bindingOf),
    read(clusterRoleBindings, bindingOf),
  ])
  const mountsToken = new Map(mounts)
  const podFacts = await read(
    pods,
    (pod) => podFact(pod, mountsToken),
    // Ended pods run nowhere.
    'status.phase!=Succeeded,status.phase!=Failed'
  )
  const rbacReach = new RbacReach(new Map([...roleRules, ...clusterRules]), [...bindings, ...clusterBindings])
  const accounts = new Set(podFacts.map(({ namespace, serviceAccount }) => `${namespace}/${serviceAccount}`))
  const reach = [...accounts].map((account) => {
    const [namespace = '', name = ''] = account.split('/')
    return [account, rbacReach.of(namespace, name)] as const
  })
  return { pods: podFacts, nodes: nodeFacts, handlers: new Map(handlers), reach: new Map(reach) }
}

function bindingOf({ metadata, roleRef, subjects }: Stored<RoleBinding>): Binding {
  return {
    ...(metadata.namespace && { namespace: metadata.namespace }),
    role: { kind: roleRef.kind, name: roleRef.name },
    subjects: subjects ?? [],
  }
}

export function podFact(pod: Stored<Pod>, mountsToken: ReadonlyMap<string, boolean>): PodFact {
  const { metadata, spec } = pod
  const namespace = metadata.namespace ?? ''
  const serviceAccount = spec?.serviceAccountName ?? 'default'
  const containers = [
    ...(spec?.initContainers ?? []),
    ...(spec?.containers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ]
  return {
    namespace,
    name: metadata.name,
    ...(spec?.nodeName && { node: spec.nodeName }),
    workload: workloadOf(pod),
    ...(spec?.runtimeClassName && { runtimeClass: spec.runtimeClassName }),
    serviceAccount,
    hasToken: spec?.automountServiceAccountToken ?? mountsToken.get(`${namespace}/${serviceAccount}`) ?? true,
    secrets: secretsOf(spec),
    hostPaths: (spec?.volumes ?? []).flatMap(({ hostPath }) => (hostPath ? [hostPath.path] : [])),
    privileged: containers.some(({ securityContext }) => securityContext?.privileged === true),
    hostNamespaces: [
      ...(spec?.hostNetwork ? ['network'] : []),
      ...(spec?.hostPID ? ['pid'] : []),
      ...(spec?.hostIPC ? ['ipc'] : []),
    ],
  }
}

/** Deployments are behind a ReplicaSet, whose name ends in the hash that its pods have as a label: it need not be read. */
function workloadOf({ metadata }: Stored<Pod>): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller)
  if (!owner) return `Pod/${metadata.name}`
  const hash = metadata.labels?.['pod-template-hash']
  if (owner.kind === 'ReplicaSet' && hash && owner.name.endsWith(`-${hash}`))
    return `Deployment/${owner.name.slice(0, -hash.length - 1)}`
  return `${owner.kind}/${owner.name}`
}

function secretsOf(spec: AsJson<NonNullable<Pod['spec']>> | undefined): string[] {
  const mounted = (spec?.volumes ?? []).flatMap(({ secret, projected }) => [
    secret?.secretName,
    ...(projected?.sources ?? []).map((source) => source.secret?.name),
  ])
  const read = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].flatMap(({ env, envFrom }) => [
    ...(env ?? []).map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
    ...(envFrom ?? []).map(({ secretRef }) => secretRef?.name),
  ])
  return [...new Set([...mounted, ...read].filter((name) => name !== undefined))].sort()
}
