import {
  annotation,
  label,
  nameHash,
  type Sandbox,
  type SandboxClaim,
  type SandboxTemplate,
  type SandboxWarmPool,
  sandboxClaims,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../../src/api/index.ts'
import {
  type ApiClient,
  controllerOf,
  Informer,
  type NetworkPolicy,
  networkPolicies,
  pods,
  type ResourceType,
  type Service,
  type Stored,
  services,
  systemClock,
  withoutManagedFields,
} from '../../src/controller/index.ts'
import { type CachedPod, cachedPod } from '../../src/operator/cached-pod.ts'
import type { Caches } from '../../src/operator/operator-context.ts'

const controller = (object: Stored) => {
  const owner = controllerOf(object)
  return owner ? [owner.uid] : []
}
const inNamespace = ({ metadata }: Stored, value: string | undefined) =>
  value === undefined ? [] : [`${metadata.namespace}/${value}`]

/** The operator's caches, started. Dispose of the stack to stop them. */
export function openCaches(client: ApiClient, undo: AsyncDisposableStack): Caches {
  const common = { client, clock: systemClock, backoff: { baseMs: 50, maxMs: 500 } }
  const caches: Caches = {
    sandboxes: new Informer<Sandbox, 'controller' | 'pool' | 'template'>({
      ...common,
      type: sandboxes,
      transform: withoutManagedFields,
      indexes: {
        controller,
        pool: (sandbox) => inNamespace(sandbox, sandbox.metadata.labels?.[label.warmPoolSandbox]),
        template: (sandbox) => inNamespace(sandbox, sandbox.metadata.labels?.[label.sandboxTemplateRefHash]),
      },
    }),
    pods: new Informer<CachedPod, 'controller'>({
      ...common,
      type: pods as unknown as ResourceType<CachedPod>,
      labelSelector: label.sandboxNameHash,
      transform: cachedPod,
      indexes: { controller },
    }),
    services: new Informer<Service, 'controller' | 'hash'>({
      ...common,
      type: services,
      labelSelector: label.sandboxNameHash,
      indexes: {
        controller,
        hash: (service) => inNamespace(service, service.metadata.labels?.[label.sandboxNameHash]),
      },
    }),
    claims: new Informer<SandboxClaim, 'pool' | 'sandbox'>({
      ...common,
      type: sandboxClaims,
      indexes: {
        pool: (claim) => inNamespace(claim, claim.spec.warmPoolRef.name),
        sandbox: (claim) =>
          inNamespace(claim, claim.status?.sandbox?.name ?? claim.metadata.annotations?.[annotation.sandboxName]),
      },
    }),
    pools: new Informer<SandboxWarmPool, 'template' | 'hash'>({
      ...common,
      type: sandboxWarmPools,
      transform: withoutManagedFields,
      indexes: {
        template: (pool) => inNamespace(pool, pool.spec.sandboxTemplateRef.name),
        hash: (pool) => inNamespace(pool, nameHash(pool.metadata.name)),
      },
    }),
    templates: new Informer<SandboxTemplate>({ ...common, type: sandboxTemplates, transform: withoutManagedFields }),
    networkPolicies: new Informer<NetworkPolicy, 'controller'>({
      ...common,
      type: networkPolicies,
      indexes: { controller },
    }),
  }
  for (const informer of Object.values(caches)) {
    informer.start()
    undo.use(informer)
  }
  return caches
}
