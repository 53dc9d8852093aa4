import {
  annotation,
  label,
  nameHash,
  type Sandbox,
  type SandboxClaim,
  type SandboxClaimSpec,
  type SandboxTemplate,
  type SandboxTemplateSpec,
  type SandboxWarmPool,
  sandboxClaims,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../../api/index.ts'
import {
  apiVersionOf,
  type Condition,
  controllerReference,
  type KubernetesObject,
  type ResourceType,
  type Stored,
  type StoredMeta,
} from '../../controller/index.ts'

type Meta = Partial<StoredMeta>

export const epoch = '2026-01-01T00:00:00Z'

export function storedAs<T extends KubernetesObject>(type: ResourceType<T>, metadata: Meta, rest: object): Stored<T> {
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: {
      namespace: 'default',
      uid: `uid-of-${metadata.name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: epoch,
      ...metadata,
    },
    ...rest,
  } as unknown as Stored<T>
}

export const templateSpec = (spec: Partial<SandboxTemplateSpec> = {}): SandboxTemplateSpec => ({
  podTemplate: {
    metadata: { labels: { team: 'a' }, annotations: { note: 'b' } },
    spec: { containers: [{ name: 'main', image: 'main:1' }] },
  },
  ...spec,
})

export const aTemplate = (name = 'template', spec: Partial<SandboxTemplateSpec> = {}): Stored<SandboxTemplate> =>
  storedAs(sandboxTemplates, { name }, { spec: templateSpec(spec) })

export const aPool = (name = 'pool', spec: Partial<SandboxWarmPool['spec']> = {}): Stored<SandboxWarmPool> =>
  storedAs(sandboxWarmPools, { name }, { spec: { sandboxTemplateRef: { name: 'template' }, ...spec } })

export const aClaim = (
  metadata: Meta = {},
  { status, ...spec }: Partial<SandboxClaimSpec> & Pick<SandboxClaim, 'status'> = {}
): Stored<SandboxClaim> =>
  storedAs(
    sandboxClaims,
    { name: 'claim', ...metadata },
    { spec: { warmPoolRef: { name: 'pool' }, ...spec }, ...(status && { status }) }
  )

export const condition = (type: string, status: Condition['status'], reason: string, message = 'm'): Condition => ({
  type,
  status,
  reason,
  message,
  observedGeneration: 1,
  lastTransitionTime: epoch,
})

export const readyCondition = condition('Ready', 'True', 'DependenciesReady', 'Pod is Ready')

/** As a pool makes it. */
export const memberMetadata = (pool: Stored<SandboxWarmPool>, name: string) => ({
  namespace: pool.metadata.namespace ?? 'default',
  name,
  labels: {
    [label.warmPoolSandbox]: nameHash(pool.metadata.name),
    [label.sandboxTemplateRefHash]: nameHash(pool.spec.sandboxTemplateRef.name),
    [label.sandboxTemplateHash]: 'h',
    [label.sandboxPodTemplateHash]: 'h',
    [label.createdBy]: 'controller',
  },
  annotations: { [annotation.sandboxTemplateRef]: pool.spec.sandboxTemplateRef.name },
  ownerReferences: [controllerReference(sandboxWarmPools, pool)],
})

/** A Ready member of a pool. */
export const aMember = (
  name: string,
  metadata: Meta = {},
  {
    status = {},
    spec = {},
    pool = aPool(),
  }: { status?: Sandbox['status']; spec?: Partial<Sandbox['spec']>; pool?: Stored<SandboxWarmPool> } = {}
): Stored<Sandbox> =>
  storedAs(
    sandboxes,
    { ...memberMetadata(pool, name), ...metadata },
    {
      spec: {
        podTemplate: {
          metadata: { labels: { team: 'a' }, annotations: { note: 'b', [annotation.safeToEvict]: 'true' } },
          spec: { containers: [{ name: 'main', image: 'main:1' }] },
        },
        ...spec,
      },
      status: { podIPs: ['10.0.0.1'], conditions: [readyCondition], ...status },
    }
  )

/** A Sandbox that is the claim's. */
export const ownSandbox = (
  claim: Stored<SandboxClaim>,
  name: string,
  launchType: 'warm' | 'cold',
  { metadata = {}, status = {} }: { metadata?: Meta; status?: Sandbox['status'] } = {}
): Stored<Sandbox> =>
  aMember(
    name,
    {
      labels: {
        [label.launchType]: launchType,
        [label.claimUid]: claim.metadata.uid,
        [label.sandboxTemplateRefHash]: nameHash('template'),
      },
      ownerReferences: [controllerReference(sandboxClaims, claim)],
      ...metadata,
    },
    { status }
  )
