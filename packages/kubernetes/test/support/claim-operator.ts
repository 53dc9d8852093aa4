import { setTimeout as sleep } from 'node:timers/promises'
import { annotation, label, sandboxClaims, sandboxes, sandboxTemplates, sandboxWarmPools } from '../../src/api/index.ts'
import { type ClaimControllerOptions, claimController } from '../../src/claim/index.ts'
import {
  type ApiClient,
  byOwnerUid,
  EventRecorder,
  Informer,
  type KubernetesObject,
  keyOf,
  networkPolicies,
  pods,
  type ResourceType,
  resourceLabel,
  type Stored,
  services,
  silentLogger,
  systemClock,
} from '../../src/controller/index.ts'
import { type CachedPod, cachedPod } from '../../src/operator/cached-pod.ts'
import type { Caches, OperatorContext, OperatorSettings } from '../../src/operator/operator-context.ts'
import { isStale } from '../../src/warmpool/index.ts'

const settings: OperatorSettings = {
  namespace: 'agent-sandbox-system',
  clusterDomain: 'cluster.local',
  sandboxWorkers: 1,
  claimWorkers: 50,
  warmPoolWorkers: 1,
  templateWorkers: 1,
  warmPoolMaxBatchSize: 300,
  warmPoolReplenishDelayMs: 0,
  warmPoolMaxRefillRate: 0,
  warmPoolReadinessGracePeriodMs: 300_000,
  warmPoolUnschedulableRecheckIntervalMs: 60_000,
  enableWarmPoolEviction: true,
  sandboxWriteBehindWindowMs: 0,
  disableClaimEvents: false,
  disableClaimObservabilityAnnotations: false,
  routerNamespace: 'agent-sandbox-system',
}

/** What becomes of a write: it calls `send`, or not, and may fail before or after. */
export type Around = (what: string, send: () => Promise<unknown>) => Promise<unknown>

export interface ClaimOperatorOptions extends Partial<ClaimControllerOptions> {
  readonly client: ApiClient
  readonly namespace: string
  readonly settings?: Partial<OperatorSettings>
  readonly around?: Around
}

/** A process that serves the claims of one namespace, and nothing else. */
export interface ClaimOperator extends AsyncDisposable {
  readonly caches: Caches
  /** Its calls in their order: `patch sandboxclaims/status claim`. */
  readonly calls: readonly string[]
  /** What it counted: `ready claim`, `got claim ready`. */
  readonly counted: readonly string[]
  /** Resolves when it knows all there is and has nothing to do but to wait for a time. */
  idle(): Promise<void>
}

const writes = new Set(['create', 'patch', 'replace', 'delete'])

export async function startClaimOperator(options: ClaimOperatorOptions): Promise<ClaimOperator> {
  const { namespace, around = (_, send) => send() } = options
  const calls: string[] = []
  const counted: string[] = []
  let passes = 0
  const client = recorded(options.client, (what, isWrite, send) => {
    calls.push(what)
    return isWrite ? around(what, send) : send()
  })
  await using undo = new AsyncDisposableStack()
  const { caches, informers } = informed(options.client, namespace)
  for (const informer of informers) undo.use(informer).start()
  const recorder = undo.use(
    new EventRecorder({
      client,
      clock: systemClock,
      reportingController: 'sandboxclaim-controller',
      reportingInstance: 'test',
    })
  )
  const context: OperatorContext = {
    client,
    clock: systemClock,
    log: silentLogger,
    caches,
    recorders: { sandbox: recorder, claim: recorder, pool: recorder, template: recorder },
    metrics: {
      claimBecameReady: (claim) => void counted.push(`ready ${claim.metadata.name}`),
      claimGotSandbox: (claim, _, ready) => void counted.push(`got ${claim.metadata.name} ${ready ? '' : 'not '}ready`),
      sandboxBecameReady: () => {},
    },
    settings: { ...settings, ...options.settings },
    controllerOptions: (name) => ({
      name,
      clock: systemClock,
      graceMs: 0,
      metrics: {
        started: () => {
          passes += 1
        },
        ended: () => {
          passes -= 1
        },
      },
    }),
  }
  const controller = claimController(context, { isStale, ...options })
  const stop = new AbortController()
  const running = controller.run(stop.signal)
  undo.defer(async () => {
    stop.abort()
    await running
  })
  await Promise.all(informers.map((informer) => informer.synced))
  const idle = async () => {
    const knowsAll = async () => {
      for (const { store, type } of informers) {
        const { items } = await options.client.list(type, { namespace })
        const known = store.list(namespace)
        const versions = new Set(known.map(({ metadata }) => metadata.resourceVersion))
        if (items.length !== known.length || items.some(({ metadata }) => !versions.has(metadata.resourceVersion)))
          return false
      }
      return true
    }
    // Nothing tells when a process has come to rest: it has to be asked.
    while (!(await knowsAll()) || controller.queue.depth > 0 || passes > 0) await sleep(20)
  }
  const owned = undo.move()
  return { caches, calls, counted, idle, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

function informed(client: ApiClient, namespace: string) {
  const common = { client, namespace, clock: systemClock } as const
  const controller = byOwnerUid
  const inNamespace = (object: Stored, value: string | undefined) =>
    value ? [keyOf({ namespace: object.metadata.namespace, name: value })] : []
  const byOwnLabel = (key: string) => (object: Stored) => inNamespace(object, object.metadata.labels?.[key])
  const caches: Caches = {
    sandboxes: new Informer({
      ...common,
      type: sandboxes,
      indexes: {
        controller,
        pool: byOwnLabel(label.warmPoolSandbox),
        template: byOwnLabel(label.sandboxTemplateRefHash),
      },
    }),
    pods: new Informer({
      ...common,
      type: pods as unknown as ResourceType<CachedPod>,
      transform: cachedPod,
      indexes: { controller, template: byOwnLabel(label.sandboxTemplateRefHash) },
    }),
    services: new Informer({ ...common, type: services, indexes: { controller, hash: () => [] } }),
    claims: new Informer({
      ...common,
      type: sandboxClaims,
      indexes: {
        pool: (claim) => inNamespace(claim, claim.spec.warmPoolRef.name),
        sandbox: (claim) => [
          ...new Set([
            ...inNamespace(claim, claim.status?.sandbox?.name),
            ...inNamespace(claim, claim.metadata.annotations?.[annotation.sandboxName]),
          ]),
        ],
      },
    }),
    pools: new Informer({
      ...common,
      type: sandboxWarmPools,
      indexes: { template: (pool) => inNamespace(pool, pool.spec.sandboxTemplateRef.name), hash: () => [] },
    }),
    templates: new Informer({ ...common, type: sandboxTemplates }),
    networkPolicies: new Informer({ ...common, type: networkPolicies, indexes: { controller } }),
  }
  return { caches, informers: Object.values(caches) as unknown as Informer<KubernetesObject>[] }
}

/** The client, with each of its calls going through `call`. */
function recorded(
  client: ApiClient,
  call: (what: string, isWrite: boolean, send: () => Promise<unknown>) => Promise<unknown>
): ApiClient {
  return new Proxy(client, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      if (property === 'with') return (...args: unknown[]) => recorded(value.apply(target, args), call)
      const isWrite = writes.has(String(property))
      if (!isWrite && property !== 'get') return value.bind(target)
      return (type: ResourceType, about: KubernetesObject & { name?: string }, ...rest: { subresource?: string }[]) => {
        const name = about.name ?? about.metadata?.name
        const { subresource } = rest.at(-1) ?? {}
        const what = `${String(property)} ${resourceLabel(type).split('.')[0]}${subresource ? `/${subresource}` : ''}`
        return call(type.plural === 'events' ? what : `${what} ${name}`, isWrite, () =>
          value.call(target, type, about, ...rest)
        )
      }
    },
  })
}
