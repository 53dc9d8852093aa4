/** The slice of rbac.authorization.k8s.io/v1 that is read. */
export interface PolicyRule {
  readonly verbs?: readonly string[]
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
}

export interface Subject {
  readonly kind: string
  readonly name: string
  readonly namespace?: string
}

export interface Binding {
  /** Absent: everywhere. */
  readonly namespace?: string
  readonly role: { readonly kind: string; readonly name: string }
  readonly subjects: readonly Subject[]
}

/** Rules by `ClusterRole/name` and `Role/namespace/name`. */
export type Roles = ReadonlyMap<string, readonly PolicyRule[]>

/** What a stolen token opens, worst first. */
export const powers = [
  'cluster-admin',
  'become others',
  'read secrets',
  'run in pods',
  'create pods',
  'change objects',
] as const
export type Power = (typeof powers)[number]

export interface Reach {
  /** In all namespaces. */
  readonly cluster: readonly Power[]
  /** In single ones. */
  readonly namespaces: ReadonlyMap<string, readonly Power[]>
}

/** As RBAC compares: `*` is all; a subresource like `exec` can be named as that of all resources, with a `*` before the slash. */
const covers = (list: readonly string[] | undefined, ...wanted: string[]): boolean =>
  list?.some(
    (entry) =>
      entry === '*' ||
      wanted.includes(entry) ||
      (entry.startsWith('*/') && wanted.some((one) => one.endsWith(entry.slice(1))))
  ) ?? false

/** Questions to the API server, which everybody may ask: writing these changes nothing. */
const questions = new Set(['authorization.k8s.io', 'authentication.k8s.io'])

const writes = ['create', 'update', 'patch', 'delete', 'deletecollection'] as const

/** How each power shows in a rule. */
const signs: Readonly<Record<Power, (rule: PolicyRule) => boolean>> = {
  'cluster-admin': ({ verbs, apiGroups, resources }) =>
    (verbs?.includes('*') && apiGroups?.includes('*') && resources?.includes('*')) ?? false,
  'become others': ({ verbs, apiGroups, resources }) =>
    (covers(verbs, 'impersonate') &&
      covers(apiGroups, '', 'authentication.k8s.io') &&
      covers(resources, 'users', 'groups', 'serviceaccounts', 'uids')) ||
    (covers(verbs, 'bind', 'escalate') &&
      covers(apiGroups, 'rbac.authorization.k8s.io') &&
      covers(resources, 'roles', 'clusterroles')) ||
    (covers(verbs, 'create') && covers(apiGroups, '') && covers(resources, 'serviceaccounts/token')),
  'read secrets': ({ verbs, apiGroups, resources }) =>
    covers(apiGroups, '') && covers(resources, 'secrets') && covers(verbs, 'get', 'list', 'watch'),
  'run in pods': ({ verbs, apiGroups, resources }) =>
    covers(apiGroups, '') &&
    // Since WebSockets, `get` is enough for some servers.
    ((covers(resources, 'pods/exec', 'pods/attach') && covers(verbs, 'create', 'get')) ||
      (covers(resources, 'pods/ephemeralcontainers') && covers(verbs, 'update', 'patch')) ||
      (covers(resources, 'nodes/proxy') && covers(verbs, 'create', 'get'))),
  // A pod can be given every service account and every mountable secret of its namespace.
  'create pods': ({ verbs, apiGroups, resources }) =>
    covers(verbs, 'create', 'update', 'patch') &&
    ((covers(apiGroups, '') && covers(resources, 'pods', 'replicationcontrollers')) ||
      (covers(apiGroups, 'apps', 'batch') &&
        covers(resources, 'deployments', 'daemonsets', 'statefulsets', 'replicasets', 'jobs', 'cronjobs'))),
  'change objects': ({ verbs, apiGroups, resources }) =>
    covers(verbs, ...writes) &&
    (apiGroups?.some((group) => !questions.has(group)) ?? false) &&
    // Nobody relies on events.
    (resources?.some((resource) => resource !== 'events') ?? false),
}

/** Rules for named objects open these only, and are not counted: but to be one other user, or to grant one role, can be all that is needed. */
const countsNamed: ReadonlySet<Power> = new Set(['become others'])

const powersOf = (rules: readonly PolicyRule[]): Power[] =>
  powers.filter((power) =>
    rules.some((rule) => (countsNamed.has(power) || !rule.resourceNames?.length) && signs[power](rule))
  )

/** The groups a service account is in, whatever else is bound to it (kube-apiserver, `serviceaccount.MakeGroupNames`). */
const groupsOf = (namespace: string): readonly string[] => [
  'system:serviceaccounts',
  `system:serviceaccounts:${namespace}`,
  'system:authenticated',
]

/**
 * What every service account may do, from roles and bindings alone, as the API server's own RBAC authorizer would find: by name, as a user
 * (`system:serviceaccount:…`) and by its groups. Webhook authorizers cannot be seen.
 */
export class RbacReach {
  readonly #bySubject = new Map<
    string,
    { readonly namespace: string | undefined; readonly powers: readonly Power[] }[]
  >()
  readonly #known = new Map<string, Reach>()
  readonly #alike = new Map<string, Reach>()

  constructor(roles: Roles, bindings: Iterable<Binding>) {
    const powersByRole = new Map([...roles].map(([role, rules]) => [role, powersOf(rules)]))
    for (const { namespace, role, subjects } of bindings) {
      const key = role.kind === 'Role' ? `Role/${namespace}/${role.name}` : `ClusterRole/${role.name}`
      const granted = powersByRole.get(key) ?? []
      if (granted.length === 0) continue
      for (const subject of subjects) {
        const id = subjectId(subject, namespace)
        const entry = this.#bySubject.get(id) ?? []
        entry.push({ namespace, powers: granted })
        this.#bySubject.set(id, entry)
      }
    }
  }

  /** Of a service account. */
  of(namespace: string, name: string): Reach {
    const account = `${namespace}/${name}`
    const known = this.#known.get(account)
    if (known) return known
    const ids = [
      `ServiceAccount/${account}`,
      `User/system:serviceaccount:${namespace}:${name}`,
      ...groupsOf(namespace).map((group) => `Group/${group}`),
    ].filter((id) => this.#bySubject.has(id))
    // Thousands of accounts have nothing but what their groups have.
    const alike = ids.join('\n')
    const shared = this.#alike.get(alike) ?? this.#reachOf(ids)
    this.#alike.set(alike, shared)
    this.#known.set(account, shared)
    return shared
  }

  #reachOf(ids: readonly string[]): Reach {
    const cluster = new Set<Power>()
    const namespaces = new Map<string, Set<Power>>()
    for (const grant of ids.flatMap((id) => this.#bySubject.get(id) ?? [])) {
      const into = grant.namespace === undefined ? cluster : (namespaces.get(grant.namespace) ?? new Set<Power>())
      for (const power of grant.powers) into.add(power)
      if (grant.namespace !== undefined) namespaces.set(grant.namespace, into)
    }
    const ranked = (set: Set<Power>): Power[] => powers.filter((power) => set.has(power))
    return {
      cluster: ranked(cluster),
      namespaces: new Map([...namespaces].map(([where, set]) => [where, ranked(set)])),
    }
  }
}

function subjectId({ kind, name, namespace }: Subject, bindingNamespace: string | undefined): string {
  return kind === 'ServiceAccount' ? `ServiceAccount/${namespace ?? bindingNamespace ?? ''}/${name}` : `${kind}/${name}`
}
