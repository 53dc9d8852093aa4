import { setTimeout as sleep } from 'node:timers/promises'
import { label } from '../../src/api/index.ts'
import { type ClaimControllerOptions, claimController } from '../../src/claim/index.ts'
import {
  type ApiClient,
  type Clock,
  EventRecorder,
  type Informer,
  type KubernetesObject,
  type ResourceType,
  resourceLabel,
  silentLogger,
  systemClock,
} from '../../src/controller/index.ts'
import type { Caches, OperatorContext, OperatorSettings } from '../../src/operator/operator-context.ts'
import { isStale } from '../../src/warmpool/index.ts'
import { openCaches } from './caches.ts'
import { defaultSettings } from './default-settings.ts'

/** What becomes of a write: it calls `send`, or not, and may fail before or after. */
export type Around = (what: string, send: () => Promise<unknown>) => Promise<unknown>

export interface ClaimOperatorOptions extends Partial<ClaimControllerOptions> {
  readonly client: ApiClient
  readonly namespace: string
  readonly settings?: Partial<OperatorSettings>
  readonly around?: Around
  /** Of the controller's decisions. Default: the system's. */
  readonly clock?: Clock
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
  const caches = openCaches(options.client, undo, namespace)
  const informers = Object.values(caches) as unknown as Informer<KubernetesObject>[]
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
    clock: options.clock ?? systemClock,
    log: silentLogger,
    caches,
    recorders: { sandbox: recorder, claim: recorder, pool: recorder, template: recorder },
    metrics: {
      claimBecameReady: (claim) => void counted.push(`ready ${claim.metadata.name}`),
      claimGotSandbox: (claim, _, ready) => void counted.push(`got ${claim.metadata.name} ${ready ? '' : 'not '}ready`),
      kernelMismatched: () => {},
      sandboxBecameReady: () => {},
    },
    settings: { ...defaultSettings, ...options.settings },
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
        const ofSandboxes = type.kind === 'Pod' || type.kind === 'Service'
        const labelSelector = ofSandboxes ? label.sandboxNameHash : undefined
        const { items } = await options.client.list(type, { namespace, labelSelector })
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
