import {
  type ApiClient,
  isForbidden,
  isNotFound,
  type KubernetesObject,
  type Lease,
  leases,
  type Node,
  nodes,
  type Pod,
  pods,
  type ResourceType,
  type RuntimeClass,
  resourceType,
  runtimeClasses,
  type Stored,
} from '@bulkhead/kubernetes/controller'
import { type CustomResourceDefinition, definitions, leaseName, operatorName } from '@bulkhead/kubernetes/manifests'
import { type Access, readAccess } from './access.ts'

/** The slice of a Deployment that is looked at. */
export interface Deployment extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number
    readonly template: { readonly spec: { readonly containers: readonly { readonly args?: readonly string[] }[] } }
  }
  readonly status?: { readonly readyReplicas?: number }
}

const deployments = resourceType<Deployment>({
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
  namespaced: true,
})
const customResourceDefinitions = resourceType<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
})

/** What a cluster answers when it is asked. `hidden`: whoever asks may not see it. */
export type Seen<T> = T | 'hidden'

export interface ClusterFacts {
  readonly version: { readonly major: string; readonly minor: string; readonly gitVersion: string }
  /** Where the operator is expected. */
  readonly namespace: string
  /** By name, of the kinds there should be. */
  readonly definitions: Seen<ReadonlyMap<string, CustomResourceDefinition | undefined>>
  readonly runtimeClasses: Seen<readonly RuntimeClass[]>
  readonly nodes: Seen<readonly Node[]>
  /** Of operators, in whatever namespace. */
  readonly deployments: Seen<readonly Stored<Deployment>[]>
  readonly pods: Seen<readonly Stored<Pod>[]>
  /** By which operators agree on a leader, in whatever namespace. */
  readonly leases: Seen<readonly Stored<Lease>[]>
  /** What the operator’s account may not do of what it has to. */
  readonly access: Seen<Access>
  readonly now: Date
}

/** Reads, and asks about permissions; changes nothing. Throws what the client throws, except for what may not be seen. */
export async function readCluster(client: ApiClient, namespace: string, signal: AbortSignal): Promise<ClusterFacts> {
  const call = { signal }
  const all = async <T extends KubernetesObject>(type: ResourceType<T>, selectors: object = {}) =>
    seen(client.list(type, { ...selectors, ...call }).then(({ items }) => items))
  const definition = (name: string) =>
    client.get(customResourceDefinitions, { name }, call).catch((error) => {
      if (isNotFound(error)) return undefined
      throw error
    })
  const labelled = { labelSelector: `app=${operatorName}` }
  const version = (await client.getRaw('/version', call)) as ClusterFacts['version']
  const kinds = Promise.all(definitions.map(async ({ metadata: { name } }) => [name, await definition(name)] as const))
  return {
    version,
    namespace,
    definitions: await seen(kinds.then((found) => new Map(found))),
    runtimeClasses: await all(runtimeClasses),
    nodes: await all(nodes),
    deployments: await all(deployments, labelled),
    pods: await all(pods, labelled),
    leases: await all(leases, { fieldSelector: `metadata.name=${leaseName}` }),
    access: await seen(readAccess(client, namespace, signal)),
    now: new Date(),
  }
}

async function seen<T>(answer: Promise<T>): Promise<Seen<T>> {
  try {
    return await answer
  } catch (error) {
    if (isForbidden(error)) return 'hidden'
    throw error
  }
}
