import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../../packages/kubernetes/src/controller/index.ts'
import { samplesOf, total } from './metrics-text.ts'

/**
 * The API server's request metrics do not say who asked; those of its flow control say which FlowSchema a request fell under. So whom we count gets
 * a FlowSchema for each kind of write. They lead to the priority level that its requests would have anyway (`service-accounts`' own): they are
 * counted, and served as before.
 */
const priorityLevel = 'workload-low'
/** Before the server's own for service accounts (9000), and behind what it exempts. The first one that fits counts. */
const precedence = { named: 500, others: 501 } as const
const verbs = ['create', 'update', 'patch', 'delete'] as const
const named = {
  '': ['pods', 'pods/status', 'services', 'persistentvolumeclaims', 'configmaps', 'events'],
  'agents.x-k8s.io': ['sandboxes', 'sandboxes/status'],
  'extensions.agents.x-k8s.io': [
    'sandboxclaims',
    'sandboxclaims/status',
    'sandboxtemplates',
    'sandboxwarmpools',
    'sandboxwarmpools/status',
  ],
  'networking.k8s.io': ['networkpolicies'],
  'events.k8s.io': ['events'],
  'coordination.k8s.io': ['leases'],
} as const satisfies Record<string, readonly string[]>

const prefix = 'bulkhead-bench'
export const flowSchemaLabel = { [prefix]: 'writes' } as const

/** `patch sandboxes/status` in a form that can be an object's name. */
const schemaName = (verb: string, group: string, resource: string): string =>
  [prefix, verb, ...(group === 'events.k8s.io' ? ['new'] : []), resource.replace('/', '.')].join('-')

/** All that have to be there while the writes of a service account are counted. */
export function countingFlowSchemas(account: { readonly namespace: string; readonly name: string }): object[] {
  const schema = (name: string, matchingPrecedence: number, verb: string, group: string, resource: string) => ({
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'FlowSchema',
    metadata: { name, labels: flowSchemaLabel },
    spec: {
      priorityLevelConfiguration: { name: priorityLevel },
      matchingPrecedence,
      distinguisherMethod: { type: 'ByUser' },
      rules: [
        {
          subjects: [{ kind: 'ServiceAccount', serviceAccount: account }],
          resourceRules: [
            { verbs: [verb], apiGroups: [group], resources: [resource], clusterScope: true, namespaces: ['*'] },
          ],
        },
      ],
    },
  })
  const groups: [string, readonly string[]][] = Object.entries(named)
  return [...verbs, 'deletecollection'].flatMap((verb) => [
    ...groups.flatMap(([group, resources]) =>
      resources.map((resource) => schema(schemaName(verb, group, resource), precedence.named, verb, group, resource))
    ),
    schema(schemaName(verb, '*', 'others'), precedence.others, verb, '*', '*'),
  ])
}

/** Writes so far, as the API server counted them. */
export interface Writes {
  /** Of the counted service account, by kind: `patch-sandboxes.status`. */
  readonly counted: Readonly<Record<string, number>>
  /** Of everybody. */
  readonly all: number
}

const writingMethods = new Set(['POST', 'PUT', 'PATCH', 'DELETE', 'DELETECOLLECTION'])

export async function readWrites(client: ApiClient): Promise<Writes> {
  return writesIn(await client.getText('/metrics'))
}

export function writesIn(metrics: string): Writes {
  const counted: Record<string, number> = {}
  for (const { labels, value } of samplesOf(metrics, 'apiserver_flowcontrol_dispatched_requests_total')) {
    const schema = labels.flow_schema ?? ''
    if (!schema.startsWith(`${prefix}-`)) continue
    const kind = schema.slice(prefix.length + 1)
    counted[kind] = (counted[kind] ?? 0) + value
  }
  const writing = samplesOf(metrics, 'apiserver_request_total').filter(({ labels }) =>
    writingMethods.has(labels.verb ?? '')
  )
  return { counted, all: total(writing) }
}

export function writesBetween(before: Writes, after: Writes): Writes {
  const grown = Object.entries(after.counted).flatMap(([kind, value]) => {
    const by = value - (before.counted[kind] ?? 0)
    return by === 0 ? [] : [[kind, by] as const]
  })
  return { counted: Object.fromEntries(grown), all: after.all - before.all }
}

export const sumOf = ({ counted }: Writes): number => Object.values(counted).reduce((sum, value) => sum + value, 0)

/** `patch-sandboxes 1.00, create-pods 1.00, …`: each kind's share of one of `count` things, the largest first. */
export const perThing = ({ counted }: Writes, count: number): string =>
  Object.entries(counted)
    .toSorted(([, a], [, b]) => b - a)
    .map(([kind, value]) => `${kind} ${(value / count).toFixed(2)}`)
    .join(', ')

/** Writes that do not end while nothing happens. */
const perpetual = /-leases$/
const lookEveryMs = 2000

/** The counts when for two seconds no write but the lease's has come. Fails after `withinMs`. */
export async function settledWrites(client: ApiClient, withinMs: number, signal: AbortSignal): Promise<Writes> {
  const deadlineMs = performance.now() + withinMs
  let before = await readWrites(client)
  for (;;) {
    await sleep(lookEveryMs, undefined, { signal })
    const now = await readWrites(client)
    const others = Object.keys(writesBetween(before, now).counted).filter((kind) => !perpetual.test(kind))
    if (others.length === 0) return now
    if (performance.now() > deadlineMs)
      throw new Error(`the operator is still writing after ${withinMs / 1000} s: ${others.join(', ')}`)
    before = now
  }
}
