import {
  type ApiClient,
  isForbidden,
  isGone,
  isNotFound,
  type KubernetesObject,
  nodes,
  pods,
  type ResourceType,
  runtimeClasses,
  type Stored,
} from '../controller/index.ts'
import { clusterRoleBindings, clusterRoles, type Role, type RoleBinding, roleBindings, roles } from './audited-types.ts'
import { type ClusterFacts, type Missing, podKey } from './facts.ts'
import { podFact } from './pod-fact.ts'
import { type Binding, RbacReach } from './rbac-reach.ts'

/** As it came, a page of pods takes about a megabyte, and several as it is parsed. */
const pageSize = 100
/** Of one list, when the API server forgets its version between two pages. */
const maxTries = 3
/** Ended pods run nowhere. */
const notEnded = 'status.phase!=Succeeded,status.phase!=Failed'

type Consequence = Omit<Missing, 'why'>

const without = {
  nodes: {
    what: 'nodes',
    consequence: 'nodes without pods are not counted, and nodes that share one kernel are taken for separate ones',
    understates: true,
  },
  runtimeClasses: {
    what: 'runtimeclasses',
    consequence: 'every RuntimeClass is counted as shared',
    understates: false,
  },
  rbac: { what: 'rbac', consequence: 'what stolen tokens open is not known', understates: false },
} as const satisfies Record<string, Consequence>

/**
 * Reads what an audit needs, with `list` alone, on what audited-types.ts has; no secret is read. Pods it cannot do without: fails as the client does. What else may
 * not be seen is told as `missing`.
 */
export async function collectFacts(client: ApiClient, signal: AbortSignal): Promise<ClusterFacts> {
  const missing: Missing[] = []
  const reading: Reading = { client, signal }
  const [podFacts, nodeFacts, handlers, access] = await Promise.all([
    collect(reading, pods, podFact, notEnded),
    orMissing(
      missing,
      without.nodes,
      collect(reading, nodes, ({ metadata, status }) => ({
        name: metadata.name,
        kernelVersion: status?.nodeInfo?.kernelVersion ?? '',
        bootId: status?.nodeInfo?.bootID ?? '',
      }))
    ),
    orMissing(
      missing,
      without.runtimeClasses,
      collect(reading, runtimeClasses, ({ metadata, handler }) => [metadata.name, handler] as const)
    ),
    orMissing(missing, without.rbac, readAccess(reading)),
  ])
  const accounts = new Map(
    podFacts.map(({ namespace, serviceAccount: name }) => [podKey({ namespace, name }), { namespace, name }])
  )
  const reach = access
    ? [...accounts].map(([key, { namespace, name }]) => [key, access.of(namespace, name)] as const)
    : []
  return {
    pods: podFacts,
    nodes: nodeFacts ?? [],
    handlers: new Map(handlers),
    reach: new Map(reach),
    // They came as the answers did.
    missing: missing.toSorted((a, b) => (a.what < b.what ? -1 : 1)),
  }
}

interface Reading {
  readonly client: ApiClient
  readonly signal: AbortSignal
}

async function readAccess(reading: Reading): Promise<RbacReach> {
  const rulesAs = (kind: string) => (role: Stored<Role>) =>
    [[kind, role.metadata.namespace, role.metadata.name].filter(Boolean).join('/'), role.rules ?? []] as const
  const [roleRules, clusterRules, bindings, clusterBindings] = await Promise.all([
    collect(reading, roles, rulesAs('Role')),
    collect(reading, clusterRoles, rulesAs('ClusterRole')),
    collect(reading, roleBindings, bindingOf),
    collect(reading, clusterRoleBindings, bindingOf),
  ])
  return new RbacReach(new Map([...roleRules, ...clusterRules]), [...bindings, ...clusterBindings])
}

function bindingOf({ metadata, roleRef, subjects }: Stored<RoleBinding>): Binding {
  return {
    ...(metadata.namespace && { namespace: metadata.namespace }),
    role: { kind: roleRef.kind, name: roleRef.name },
    subjects: subjects ?? [],
  }
}

/** Turns every object into what is kept of it, page by page, so that no more than a page is ever in memory as it came. */
async function collect<T extends KubernetesObject, Fact>(
  { client, signal }: Reading,
  type: ResourceType<T>,
  keep: (object: Stored<T>) => Fact,
  fieldSelector?: string
): Promise<Fact[]> {
  for (let tries = 1; ; tries++) {
    const facts: Fact[] = []
    try {
      for await (const page of client.pages(type, { limit: pageSize, signal, fieldSelector }))
        for (const object of page.items) facts.push(keep(object))
      return facts
    } catch (error) {
      if (!isGone(error) || tries >= maxTries) throw error
    }
  }
}

/** Undefined, and told, when whoever asks may not see it or the cluster does not have it. */
async function orMissing<T>(missing: Missing[], consequence: Consequence, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (!isForbidden(error) && !isNotFound(error)) throw error
    missing.push({ ...consequence, why: error.message })
    return undefined
  }
}
