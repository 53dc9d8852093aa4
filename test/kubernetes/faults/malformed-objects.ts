import { expect, it } from 'vitest'
import {
  sandboxClaims,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../../../packages/kubernetes/src/api/index.ts'
import {
  type Condition,
  events,
  type KubernetesObject,
  mergePatch,
  type ResourceType,
  type Stored,
} from '../../../packages/kubernetes/src/controller/index.ts'
import { type Arena, pools } from '../support/arena.ts'
import type { Ground } from '../support/ground.ts'
import { dropSchemas } from '../support/kinds.ts'
import { pretended } from '../support/manifests.ts'

interface Malformed {
  readonly type: ResourceType
  readonly name: string
  readonly spec?: unknown
  readonly status?: unknown
  /** Nobody can know what is wrong with it: that the others are served is enough. */
  readonly silent?: true
}

const good = { spec: pretended.spec }
const poolOf = (template: string) => ({ replicas: 1, sandboxTemplateRef: { name: template } })
const claimOf = (pool: unknown) => ({ warmPoolRef: { name: pool } })

const malformed: readonly Malformed[] = [
  ...of(sandboxes, {
    'no-spec': undefined,
    'spec-is-text': 'a sandbox, please',
    'no-pod-template': {},
    'pod-template-is-text': { podTemplate: 'a pod' },
    'no-pod-spec': { podTemplate: {} },
    'no-containers': { podTemplate: { spec: {} } },
    'containers-are-an-object': { podTemplate: { spec: { containers: { name: 'main' } } } },
    'labels-are-numbers': { podTemplate: { ...good, metadata: { labels: { a: 1 } } } },
    'volumes-are-text': { podTemplate: good, volumeClaimTemplates: 'ten gigabytes' },
    'volume-without-name': { podTemplate: good, volumeClaimTemplates: [{ spec: {} }, null] },
    'time-is-no-time': { podTemplate: good, shutdownTime: 'tomorrow' },
    // A name that a Pod can have and a Service cannot.
    [`long-${'x'.repeat(240)}`]: { podTemplate: good, service: true },
  }),
  ...of(sandboxTemplates, {
    'template-without-spec': undefined,
    'template-is-text': { podTemplate: 'a pod' },
    'policy-is-text': { podTemplate: good, networkPolicy: { ingress: 'all' } },
  }),
  ...of(sandboxWarmPools, {
    'pool-without-spec': undefined,
    'pool-of-many': { ...poolOf(pools.pretended), replicas: 'many' },
    'pool-of-less-than-none': { ...poolOf(pools.pretended), replicas: -3 },
    'pool-of-one-and-a-half': { ...poolOf(pools.pretended), replicas: 1.5 },
    'pool-of-a-number': { replicas: 1, sandboxTemplateRef: { name: 7 } },
    'pool-of-text': poolOf('template-is-text'),
  }),
  ...of(sandboxClaims, {
    'claim-without-spec': undefined,
    'claim-of-a-number': claimOf(7),
    'claim-of-text': { warmPoolRef: 'pretended' },
    'claim-of-text-pool': claimOf('pool-of-text'),
    'env-is-an-object': { ...claimOf(pools.pretended), env: { A: '1' } },
    'lifecycle-is-text': { ...claimOf(pools.pretended), lifecycle: { shutdownTime: 'soon', shutdownPolicy: 'Delete' } },
    'more-labels-are-a-list': { ...claimOf(pools.pretended), additionalPodMetadata: { labels: ['a'] } },
  }),
  { type: sandboxes, name: 'mode-is-unknown', spec: { podTemplate: good, operatingMode: 'Sleeping' }, silent: true },
  { type: sandboxes, name: 'status-is-text', spec: { podTemplate: good }, status: 'fine', silent: true },
  {
    type: sandboxes,
    name: 'conditions-are-text',
    spec: { podTemplate: good },
    status: { conditions: 'all fine', podIPs: 7 },
    silent: true,
  },
  {
    type: sandboxClaims,
    name: 'bound-to-a-number',
    spec: claimOf(pools.pretended),
    status: { sandbox: { name: 7 }, conditions: [null, 'Ready'] },
    silent: true,
  },
]

export function malformedObjects(ground: () => Ground): void {
  it('serves all others beside objects of no shape, and says on each what is wrong with it', {
    timeout: 400_000,
  }, async () => {
    await using operator = await ground().operator()
    await using arena = await ground().arena('malformed')
    await using _schemas = await dropSchemas(arena.client, arena.namespace)
    for (const one of malformed) await store(arena, one)
    await ownedInACircle(arena)

    await arena.load.run(15)
    const except = new Set([...malformed.map(({ name }) => name), 'hen', 'egg'])
    await arena.expectNothingLost({ except })
    expect(operator.hasEnded).toBe(false)

    // The next one meets all of them at once, in its first lists.
    await operator.stop()
    await using next = await ground().operator()
    await arena.load.run(10)
    await arena.expectNothingLost({ except })
    expect(next.hasEnded).toBe(false)
    await expect.poll(() => untold(arena), { timeout: 60_000, interval: 1_000 }).toEqual([])
    expect(next.log()).not.toMatch(/informer\.(handler|index)_failed/)
    for (const { type, name } of malformed) await arena.client.delete(type, { namespace: arena.namespace, name })
    await arena.expectNothingLost({ except: new Set(['hen', 'egg']) })
  })
}

function of(type: ResourceType, specs: Readonly<Record<string, unknown>>): Malformed[] {
  return Object.entries(specs).map(([name, spec]) => ({ type, name, spec }))
}

async function store({ client, namespace }: Arena, { type, name, spec, status }: Malformed): Promise<void> {
  const object = { metadata: { namespace, name }, ...(spec !== undefined && { spec }) } as KubernetesObject
  await client.create(type, object)
  if (status !== undefined)
    await client.patch(type, { namespace, name }, mergePatch({ status }), { subresource: 'status' })
}

/** Two Sandboxes, each of which is the other's controller. */
async function ownedInACircle({ client, namespace }: Arena): Promise<void> {
  const make = (name: string) =>
    client.create(sandboxes, { metadata: { namespace, name }, spec: { podTemplate: good } })
  const [hen, egg] = [await make('hen'), await make('egg')]
  for (const [one, other] of [
    [hen, egg],
    [egg, hen],
  ] as const) {
    const { apiVersion, kind, metadata } = other
    const reference = { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true }
    await client.patch(sandboxes, one.metadata, mergePatch({ metadata: { ownerReferences: [reference] } }))
  }
}

/** Those that do not say what is wrong with them, by a Ready condition or an event. */
async function untold({ client, namespace }: Arena): Promise<string[]> {
  const { items } = await client.list(events, { namespace })
  const warned = new Set(items.filter(({ type }) => type === 'Warning').map(({ regarding }) => regarding?.uid))
  const found: string[] = []
  for (const { type, name } of malformed.filter(({ silent }) => !silent)) {
    const object = await client.get(type, { namespace, name })
    if (!warned.has(object.metadata.uid) && !isRefused(object)) found.push(`${type.kind} ${name}`)
  }
  return found
}

function isRefused(object: Stored): boolean {
  const { status } = object as { readonly status?: { readonly conditions?: unknown } }
  if (!Array.isArray(status?.conditions)) return false
  const ready = (status.conditions as (Condition | undefined)[]).find((condition) => condition?.type === 'Ready')
  // What JavaScript says of a value that is not there says nothing of the object.
  return (
    ready?.status === 'False' && ready.message !== '' && !/Cannot read|is not (a function|iterable)/.test(ready.message)
  )
}
