import {
  annotation,
  isolationPolicies,
  label,
  nameHash,
  nodeWitnesses,
  type SandboxClaim,
  sandboxClaims,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../api/index.ts'
import {
  type ApiClient,
  type Clock,
  controllerOf,
  Informer,
  type InformerOptions,
  type KitMetrics,
  type KubernetesObject,
  type Logger,
  namespaces,
  networkPolicies,
  nodes,
  pods,
  type ResourceType,
  resourceLabel,
  runtimeClasses,
  type Stored,
  services,
  withoutManagedFields,
} from '../controller/index.ts'
import { nodesOfPod } from '../domains/placed.ts'
import { type CachedPod, cachedPod } from './cached-pod.ts'
import type { Caches, CoreCaches } from './operator-context.ts'
import type { IsolationCaches } from './plan-placement.ts'

export interface CachesOptions {
  readonly client: ApiClient
  /** Default: all. */
  readonly namespace?: string
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: KitMetrics
  /** Whether witnesses are listened to. Default: no. */
  readonly witness?: boolean
}

const byController = (object: Stored): readonly string[] => {
  const owner = controllerOf(object)
  return owner ? [owner.uid] : []
}

/** Namespace and a value, as the indexes of {@link Caches} have it. What was stored past the schema may not have the value, or one that is no text. */
const inNamespace = (object: Stored, value: unknown): readonly string[] =>
  typeof value === 'string' ? [`${object.metadata.namespace}/${value}`] : []

const byLabelIn =
  (key: string) =>
  (object: Stored): readonly string[] =>
    inNamespace(object, object.metadata.labels?.[key])

/** One that has ended is on none. */
const byNode = ({ spec, status }: Stored<CachedPod>): readonly string[] =>
  status.phase === 'Succeeded' || status.phase === 'Failed' ? [] : nodesOfPod(spec)

/** Only what belongs to a Sandbox: the rest of the cluster's Pods and Services is none of our business, and most of the memory. */
const ofSandboxes = label.sandboxNameHash

/** The informers of one process, not started yet. */
export function coreCaches(options: CachesOptions): CoreCaches {
  return {
    sandboxes: informer(options, sandboxes, {
      indexes: {
        controller: byController,
        pool: byLabelIn(label.warmPoolSandbox),
        template: byLabelIn(label.sandboxTemplateRefHash),
      },
    }),
    pods: informer(options, pods as ResourceType as ResourceType<CachedPod>, {
      labelSelector: ofSandboxes,
      transform: cachedPod,
      indexes: { controller: byController, template: byLabelIn(label.sandboxTemplateRefHash), node: byNode },
    }),
    services: informer(options, services, {
      labelSelector: ofSandboxes,
      indexes: { controller: byController, hash: byLabelIn(label.sandboxNameHash) },
    }),
    ...(options.witness && { witnesses: informer(options, nodeWitnesses, {}) }),
  }
}

export function extensionCaches(options: CachesOptions): Omit<Caches, keyof CoreCaches> {
  return {
    claims: informer(options, sandboxClaims, {
      indexes: {
        pool: (claim) => inNamespace(claim, claim.spec?.warmPoolRef?.name),
        sandbox: (claim) => sandboxesOf(claim).flatMap((name) => inNamespace(claim, name)),
      },
    }),
    pools: informer(options, sandboxWarmPools, {
      indexes: {
        template: (pool) => inNamespace(pool, pool.spec?.sandboxTemplateRef?.name),
        hash: (pool) => inNamespace(pool, nameHash(pool.metadata.name)),
      },
    }),
    templates: informer(options, sandboxTemplates, {}),
    networkPolicies: informer(options, networkPolicies, { indexes: { controller: byController } }),
  }
}

/** For a cluster whose IsolationPolicies are kept. */
export function isolationCaches(options: CachesOptions): IsolationCaches {
  return {
    policies: informer(options, isolationPolicies, {}),
    namespaces: informer(options, namespaces, {}),
    nodes: informer(options, nodes, { transform: ({ status: _, ...node }) => withoutManagedFields(node) }),
    runtimeClasses: informer(options, runtimeClasses, {}),
  }
}

/** The one it has, and the one it was assigned: while it is handed over, these can be two. */
function sandboxesOf({ status, metadata }: Stored<SandboxClaim>): readonly string[] {
  const named = [status?.sandbox?.name, metadata.annotations?.[annotation.sandboxName]]
  return [...new Set(named.filter((name) => name !== undefined && name !== ''))] as string[]
}

function informer<T extends KubernetesObject, Index extends string = never>(
  { client, namespace, clock, log, metrics }: CachesOptions,
  type: ResourceType<T>,
  rest: Pick<InformerOptions<T, Index>, 'indexes' | 'transform' | 'labelSelector'>
): Informer<T, Index> {
  const name = resourceLabel(type)
  return new Informer<T, Index>({
    client,
    namespace,
    clock,
    log,
    type,
    metrics: metrics.informer(name),
    transform: withoutManagedFields,
    ...rest,
  })
}
