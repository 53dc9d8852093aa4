import {
  annotation,
  label,
  nameHash,
  type Sandbox,
  type SandboxClaim,
  type SandboxClaimSpec,
  type SandboxTemplateSpec,
  type SandboxWarmPool,
  sandboxClaims,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../../src/api/index.ts'
import { memberMetadata, templateSpec } from '../../src/claim/testing/objects.ts'
import {
  type ApiClient,
  controllerReference,
  events,
  mergePatch,
  namespaces,
  type ObjectMeta,
  pods,
  type Stored,
  wholeSeconds,
} from '../../src/controller/index.ts'

const conditionNow = (type: string, status: string, reason: string, message: string) => ({
  type,
  status,
  reason,
  message,
  observedGeneration: 1,
  lastTransitionTime: wholeSeconds(Date.now()),
})

/** What the Sandbox controller would say. */
const statuses = () => ({
  ready: {
    podIPs: ['10.0.0.1'],
    nodeName: 'node',
    conditions: [conditionNow('Ready', 'True', 'DependenciesReady', 'Pod is Ready')],
  },
  starting: {
    podIPs: ['10.0.0.1'],
    nodeName: 'node',
    conditions: [conditionNow('Ready', 'False', 'DependenciesNotReady', 'Pod is Running but not Ready')],
  },
  pending: {
    podIPs: null,
    nodeName: null,
    conditions: [conditionNow('Ready', 'False', 'DependenciesNotReady', 'Pod exists with phase: Pending')],
  },
  failed: {
    podIPs: ['10.0.0.1'],
    nodeName: 'node',
    conditions: [
      conditionNow('Finished', 'True', 'PodFailed', 'Pod failed'),
      conditionNow('Ready', 'False', 'PodFailed', 'Pod failed'),
    ],
  },
})

type State = keyof ReturnType<typeof statuses>

let worlds = 0

/** A namespace of its own, in which the test plays everyone but the claim controller: users, pools, Sandboxes and their Pods. */
export async function openClaimWorld(client: ApiClient) {
  const namespace = `world-${worlds++}`
  await client.create(namespaces, { metadata: { name: namespace } })
  const named = (name: string) => ({ namespace, name })

  const setState = (name: string, state: State, node = 'node') => {
    const status = statuses()[state]
    const nodeName = status.nodeName && node
    return client.patch(sandboxes, named(name), mergePatch({ status: { ...status, nodeName } }), {
      subresource: 'status',
    })
  }

  return {
    namespace,
    named,

    template: (spec: Partial<SandboxTemplateSpec> = {}, name = 'template') =>
      client.create(sandboxTemplates, { metadata: named(name), spec: templateSpec(spec) }),

    pool: (spec: Partial<SandboxWarmPool['spec']> = {}, name = 'pool') =>
      client.create(sandboxWarmPools, {
        metadata: named(name),
        spec: { sandboxTemplateRef: { name: 'template' }, ...spec },
      }),

    /** A pool's Sandbox with its Pod. */
    async member(
      pool: Stored<SandboxWarmPool>,
      name: string,
      state: State = 'ready',
      node = 'node'
    ): Promise<Stored<Sandbox>> {
      const { containers, ...spec } = templateSpec().podTemplate.spec
      const made = await client.create(sandboxes, {
        metadata: memberMetadata(pool, name),
        spec: {
          podTemplate: {
            metadata: { labels: { team: 'a' }, annotations: { note: 'b', [annotation.safeToEvict]: 'true' } },
            spec: { ...spec, containers },
          },
        },
      })
      await client.create(pods, {
        metadata: {
          ...named(name),
          labels: { [label.sandboxNameHash]: nameHash(name) },
          ownerReferences: [controllerReference(sandboxes, made)],
        },
        spec: { containers: [...containers] },
      })
      return setState(name, state, node).then(() => made)
    },

    setState,

    podPhase: (name: string, phase: string) =>
      client.patch(pods, named(name), mergePatch({ status: { phase } }), { subresource: 'status' }),

    claim: (
      name: string,
      spec: Partial<SandboxClaimSpec> = {},
      metadata: Omit<ObjectMeta, 'name' | 'namespace'> = {}
    ): Promise<Stored<SandboxClaim>> =>
      client.create(sandboxClaims, {
        metadata: { ...metadata, ...named(name) },
        spec: { warmPoolRef: { name: 'pool' }, ...spec },
      }),

    patchClaim: (name: string, body: object) => client.patch(sandboxClaims, named(name), mergePatch(body)),
    readClaim: (name: string) => client.get(sandboxClaims, named(name)),
    readPool: (name: string) => client.get(sandboxWarmPools, named(name)),
    readSandbox: (name: string) => client.get(sandboxes, named(name)),
    claims: () => client.list(sandboxClaims, { namespace }).then(({ items }) => items),
    sandboxes: () => client.list(sandboxes, { namespace }).then(({ items }) => items),
    events: () => client.list(events, { namespace }).then(({ items }) => items),

    /** Resolves with the claim when its Ready condition has this reason. */
    async untilReason(name: string, reason: string): Promise<Stored<SandboxClaim>> {
      const { signal } = new AbortController()
      // The API server ends watches of clients that were too slow for a while.
      for (;;) {
        await using watch = await client.watch(sandboxClaims, {
          namespace,
          fieldSelector: `metadata.name=${name}`,
          signal,
        })
        for await (const event of watch) {
          if (event.type === 'BOOKMARK' || event.type === 'DELETED') continue
          if (event.object.status?.conditions?.some((each) => each.type === 'Ready' && each.reason === reason))
            return event.object
        }
      }
    },
  }
}

export type ClaimWorld = Awaited<ReturnType<typeof openClaimWorld>>
