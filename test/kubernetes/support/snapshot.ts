import {
  type Sandbox,
  type SandboxClaim,
  type SandboxTemplate,
  type SandboxWarmPool,
  sandboxClaims,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../../../packages/kubernetes/src/api/index.ts'
import {
  type ApiClient,
  type KubernetesObject,
  type NetworkPolicy,
  networkPolicies,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  pods,
  type ResourceType,
  type Service,
  type Stored,
  services,
} from '../../../packages/kubernetes/src/controller/index.ts'

/** All of a namespace that the operator has to do with. */
export interface Snapshot {
  readonly sandboxes: readonly Stored<Sandbox>[]
  readonly claims: readonly Stored<SandboxClaim>[]
  readonly pools: readonly Stored<SandboxWarmPool>[]
  readonly templates: readonly Stored<SandboxTemplate>[]
  readonly pods: readonly Stored<Pod>[]
  readonly services: readonly Stored<Service>[]
  readonly volumeClaims: readonly Stored<PersistentVolumeClaim>[]
  readonly networkPolicies: readonly Stored<NetworkPolicy>[]
}

export async function takeSnapshot(client: ApiClient, namespace: string): Promise<Snapshot> {
  const all = async <T extends KubernetesObject>(type: ResourceType<T>) =>
    (await client.list(type, { namespace })).items
  return {
    sandboxes: await all(sandboxes),
    claims: await all(sandboxClaims),
    pools: await all(sandboxWarmPools),
    templates: await all(sandboxTemplates),
    pods: await all(pods),
    services: await all(services),
    volumeClaims: await all(persistentVolumeClaims),
    networkPolicies: await all(networkPolicies),
  }
}

/** Equal for two snapshots between which nothing was written. */
export const versionsIn = (snapshot: Snapshot): string =>
  Object.values(snapshot)
    .flat()
    .map(({ metadata }: Stored) => `${metadata.uid}=${metadata.resourceVersion}`)
    .sort()
    .join()
