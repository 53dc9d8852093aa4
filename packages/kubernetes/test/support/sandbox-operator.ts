import { setTimeout as sleep } from 'node:timers/promises'
import { label, type Sandbox, sandboxes } from '../../src/api/index.ts'
import {
  type ApiClient,
  ApiError,
  byOwnerUid,
  type Condition,
  type Controller,
  EventRecorder,
  findCondition,
  Informer,
  isNotFound,
  type KubernetesObject,
  keyOf,
  mergePatch,
  namespaces,
  type ObjectName,
  pods,
  type ResourceType,
  type Service,
  type Stored,
  services,
  silentLogger,
  systemClock,
  TransportError,
} from '../../src/controller/index.ts'
import { type CachedPod, cachedPod } from '../../src/operator/cached-pod.ts'
import type { OperatorContext, OperatorSettings } from '../../src/operator/operator-context.ts'
import { sandboxController } from '../../src/sandbox/index.ts'
import type { ControlPlane } from './control-plane.ts'
import { defaultSettings } from './default-settings.ts'

/** `refused`: 503, and nothing is done. `unanswered`: done, and nobody hears of it. */
type Fault = 'refused' | 'unanswered' | undefined

/** The Sandbox controller at work in a namespace of its own; what it writes; and hands that play the rest of a cluster. */
export interface SandboxOperator extends AsyncDisposable {
  readonly namespace: string
  readonly client: ApiClient
  /** The controller's requests that change something, in order: `POST pods a`, `PATCH sandboxes/status a`. */
  readonly writes: readonly string[]
  /** Names of the Sandboxes that were counted as having become Ready. */
  readonly becameReady: readonly string[]
  /** What befalls each write of the controller, before it is sent. */
  meddle: (write: string) => Fault | Promise<Fault>
  get<T extends KubernetesObject>(type: ResourceType<T>, name: string): Promise<Stored<T> | undefined>
  condition(name: string, type: string): Promise<Condition | undefined>
  /** `Status Reason: message` of its Ready condition. */
  ready(name: string): Promise<string | undefined>
  change<T extends KubernetesObject>(type: ResourceType<T>, name: string, patch: object): Promise<Stored<T>>
  /** What a kubelet says of a Pod. */
  podIs(name: string, phase: string, options?: { readonly ready?: boolean; readonly ip?: string }): Promise<void>
  /** Ends a Pod for good, as its kubelet does in the end. */
  endPod(name: string): Promise<void>
  /** Resolves when the controller has looked at the Sandbox again, for no reason, after all that has happened so far. */
  lookedAgain(name: string): Promise<void>
}

let made = 0

export async function openSandboxOperator(
  plane: ControlPlane,
  overrides: Partial<OperatorSettings> = {}
): Promise<SandboxOperator> {
  await using undo = new AsyncDisposableStack()
  const { client } = undo.use(await plane.client())
  const own = undo.use(await plane.client())
  const namespace = `sandboxes-${made++}`
  await client.create(namespaces, { metadata: { name: namespace } })
  const writes: string[] = []
  record(own.client, async (write, send) => {
    writes.push(write)
    const fault = await operator.meddle(write)
    if (fault === 'refused') throw new ApiError(write, 503, { reason: 'ServiceUnavailable' })
    const answer = await send()
    if (fault === 'unanswered') throw new TransportError(write, false, new Error('cut'))
    return answer
  })
  const becameReady: string[] = []
  const passes = new Passes()
  const base = { client, namespace, clock: systemClock }
  const caches = {
    sandboxes: undo.use(
      new Informer<Sandbox, 'controller'>({ ...base, type: sandboxes, indexes: { controller: byOwnerUid } })
    ),
    pods: undo.use(
      new Informer<CachedPod, 'controller'>({
        ...base,
        type: pods as ResourceType<CachedPod>,
        labelSelector: label.sandboxNameHash,
        transform: cachedPod,
        indexes: { controller: byOwnerUid },
      })
    ),
    services: undo.use(
      new Informer<Service, 'controller' | 'hash'>({
        ...base,
        type: services,
        labelSelector: label.sandboxNameHash,
        indexes: {
          controller: byOwnerUid,
          hash: ({ metadata }) => [`${metadata.namespace}/${metadata.labels?.[label.sandboxNameHash]}`],
        },
      })
    ),
  }
  for (const informer of Object.values(caches)) informer.start()
  const recorder = undo.use(
    new EventRecorder({
      client,
      clock: systemClock,
      reportingController: 'sandbox-controller',
      reportingInstance: 'test',
    })
  )
  const context = {
    client: own.client,
    clock: systemClock,
    log: silentLogger,
    caches,
    recorders: { sandbox: recorder },
    metrics: { sandboxBecameReady: (sandbox: Stored<Sandbox>) => void becameReady.push(sandbox.metadata.name) },
    settings: { ...defaultSettings, ...overrides },
    controllerOptions: (name: string) => ({ name, clock: systemClock, metrics: passes.metrics }),
  } as unknown as OperatorContext
  const controller: Controller = sandboxController(context)
  const stop = new AbortController()
  const running = controller.run(stop.signal)
  undo.defer(async () => {
    stop.abort()
    await running
  })

  const at = (name: string): ObjectName => ({ namespace, name })
  const get: SandboxOperator['get'] = async (type, name) => {
    try {
      return await client.get(type, at(name))
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
  const condition: SandboxOperator['condition'] = async (name, type) =>
    findCondition((await get(sandboxes, name))?.status?.conditions, type)
  const operator: Omit<SandboxOperator, keyof AsyncDisposable> = {
    namespace,
    client,
    writes,
    becameReady,
    meddle: () => undefined,
    get,
    condition,
    ready: async (name) => {
      const ready = await condition(name, 'Ready')
      return ready && `${ready.status} ${ready.reason}: ${ready.message}`
    },
    change: (type, name, patch) => client.patch(type, at(name), mergePatch(patch)),
    podIs: async (name, phase, { ready = false, ip } = {}) => {
      const status = {
        phase,
        conditions: [
          { type: 'PodScheduled', status: 'True' },
          { type: 'Ready', status: ready ? 'True' : 'False' },
        ],
        ...(ip && { podIP: ip, podIPs: [{ ip }] }),
      }
      await client.patch(pods, at(name), mergePatch({ status }), { subresource: 'status' })
    },
    endPod: async (name) => void (await client.delete(pods, at(name), { gracePeriodSeconds: 0 })),
    lookedAgain: async (name) => {
      // All that has happened so far is in the caches when a later change of each type is.
      const key = 'test/look'
      const mark = { metadata: { annotations: { [key]: String(made++) } } }
      await client.patch(sandboxes, at(name), mergePatch(mark))
      const touched = (await get(pods, name)) ? [caches.sandboxes, caches.pods] : [caches.sandboxes]
      if (touched.length > 1) await client.patch(pods, at(name), mergePatch(mark))
      const hasCome = () =>
        touched.every(
          ({ store }) => store.get(keyOf(at(name)))?.metadata.annotations?.[key] === mark.metadata.annotations[key]
        )
      while (!hasCome()) await sleep(5)
      controller.queue.add(keyOf(at(name)))
      await passes.more(controller)
    },
  }
  await Promise.all(Object.values(caches).map((informer) => informer.synced))
  const owned = undo.move()
  return Object.assign(operator, { [Symbol.asyncDispose]: () => owned.disposeAsync() })
}

/** Knows when a controller has nothing to do. */
class Passes {
  #underWay = 0
  readonly metrics = {
    started: () => void this.#underWay++,
    ended: () => void this.#underWay--,
  }

  async more(controller: Controller): Promise<void> {
    do await sleep(20)
    while (this.#underWay > 0 || controller.queue.depth > 0)
  }
}

/** Leads each write of the client through `around`. */
function record(
  client: ApiClient,
  around: <Answer>(write: string, send: () => Promise<Answer>) => Promise<Answer>
): void {
  const { create, patch, delete: remove } = client
  const say = (verb: string, { plural }: ResourceType, name = '', subresource?: string) =>
    `${verb} ${subresource ? `${plural}/${subresource}` : plural} ${name}`
  Object.assign(client, {
    create: (...args: Parameters<ApiClient['create']>) =>
      around(say('POST', args[0], args[1].metadata?.name), () => create.apply(client, args)),
    patch: (...args: Parameters<ApiClient['patch']>) =>
      around(say('PATCH', args[0], args[1].name, args[3]?.subresource), () => patch.apply(client, args)),
    delete: (...args: Parameters<ApiClient['delete']>) =>
      around(say('DELETE', args[0], args[1].name), () => remove.apply(client, args)),
  })
}

/** A Sandbox of one container that listens on 8888. */
export const sandbox = (name: string, spec: Partial<Sandbox['spec']> = {}, metadata: object = {}): Sandbox => ({
  metadata: { name, ...metadata },
  spec: {
    podTemplate: { spec: { containers: [{ name: 'main', image: 'none', ports: [{ containerPort: 8888 }] }] } },
    ...spec,
  },
})
