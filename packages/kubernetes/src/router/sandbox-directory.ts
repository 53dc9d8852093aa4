import { label, sandboxes } from '../api/index.ts'
import {
  type ApiClient,
  type Clock,
  type Condition,
  controllerOf,
  findCondition,
  Informer,
  isControlledBy,
  type KubernetesObject,
  type Logger,
  objectKey,
  type Pod,
  pods,
  type ResourceType,
  refersTo,
  type Stored,
} from '../controller/index.ts'
import { type CachedPod, cachedPod } from '../operator/cached-pod.ts'
import { canonicalAddress } from './pod-address.ts'
import type { KnownSandbox } from './target.ts'

export interface SandboxDirectoryOptions {
  readonly client: ApiClient
  readonly clock: Clock
  readonly log: Logger
  /** Default: all. */
  readonly namespace: string | undefined
}

/**
 * Which Sandboxes there are, and where their Pods run, as a watch shows it.
 *
 * The Pods themselves are watched, and not only what a Sandbox's status says of them: that is written by an operator which may be away, while an
 * address goes to the next Pod as soon as one has ended. A Pod counts when its controller is the Sandbox, by uid, and it is in
 * the Sandbox's namespace.
 */
export class SandboxDirectory implements AsyncDisposable {
  readonly #sandboxes: Informer<KubernetesObject>
  readonly #pods: Informer<CachedPod, 'sandbox'>
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor({ client, clock, log, namespace }: SandboxDirectoryOptions) {
    const common = { client, clock, log, namespace }
    this.#sandboxes = new Informer<KubernetesObject>({
      ...common,
      type: sandboxes as ResourceType<KubernetesObject>,
      transform: listedSandbox,
    })
    this.#pods = new Informer<CachedPod, 'sandbox'>({
      ...common,
      type: pods as ResourceType<Pod & CachedPod> as ResourceType<CachedPod>,
      labelSelector: label.sandboxNameHash,
      transform: cachedPod,
      indexes: { sandbox: (pod) => [sandboxOf(pod)?.uid ?? ''].filter(Boolean) },
    })
    this.#sandboxes.onChange(({ object }) => this.#wake(objectKey(object)))
    this.#pods.onChange(({ object }) => this.#wake(`${object.metadata.namespace}/${sandboxOf(object)?.name}`))
  }

  start(): void {
    this.#sandboxes.start()
    this.#pods.start()
  }

  /** Rejects when the directory was disposed of before. */
  get synced(): Promise<unknown> {
    return Promise.all([this.#sandboxes.synced, this.#pods.synced])
  }

  /** `blind`: nothing is known yet. undefined: there is no such Sandbox, or it is still a pool's and nobody's to use. */
  find(namespace: string, name: string): KnownSandbox | undefined | 'blind' {
    if (!this.#sandboxes.hasSynced || !this.#pods.hasSynced) return 'blind'
    const sandbox = this.#sandboxes.store.get(`${namespace}/${name}`)
    if (!sandbox || label.warmPoolSandbox in (sandbox.metadata.labels ?? {})) return undefined
    const own = this.#pods.store.by('sandbox', sandbox.metadata.uid).filter((pod) => isControlledBy(pod, sandbox))
    const [pod] = own.filter(isAlive).sort(byWorth)
    return { addresses: pod ? addressesOf(pod) : [] }
  }

  /** Tells the addresses of each Pod that is taken from its Sandbox and runs on, as into quarantine. One that ends says its last words undisturbed. */
  onTaken(handler: (addresses: readonly string[]) => void): void {
    this.#pods.onChange(({ type, object }) => {
      if (type === 'deleted' && !object.metadata.deletionTimestamp && isAlive(object)) handler(addressesOf(object))
    })
  }

  /** Resolves when something of this Sandbox, or of its Pods, changes, and when `signal` aborts. */
  async changed(namespace: string, name: string, signal: AbortSignal): Promise<void> {
    const key = `${namespace}/${name}`
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiters = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, waiters.add(resolve))
    signal.addEventListener('abort', () => resolve(), { once: true })
    if (signal.aborted) resolve()
    await promise
    waiters.delete(resolve)
    if (waiters.size === 0 && this.#waiting.get(key) === waiters) this.#waiting.delete(key)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#sandboxes[Symbol.asyncDispose](), this.#pods[Symbol.asyncDispose]()])
  }

  #wake(key: string): void {
    for (const wake of this.#waiting.get(key) ?? []) wake()
  }
}

/** Of a Sandbox only who it is. */
function listedSandbox({ apiVersion, kind, metadata }: Stored<KubernetesObject>): Stored<KubernetesObject> {
  const { name, namespace, uid, resourceVersion, labels } = metadata
  const kept = { name, uid, resourceVersion, ...(namespace && { namespace }), ...(labels && { labels }) }
  return { apiVersion, kind, metadata: kept as typeof metadata }
}

/** Its controller, when that is a Sandbox of whatever version. */
function sandboxOf(pod: CachedPod) {
  const owner = controllerOf(pod)
  return owner && refersTo(owner, sandboxes) ? owner : undefined
}

/** The address of a Pod that has ended may be another's already, though its status still has it. */
const isAlive = ({ status }: CachedPod): boolean => status.phase !== 'Succeeded' && status.phase !== 'Failed'

/** Of several, which an operator that lags may leave for a moment: the one that stays, is ready, and is newest. */
const byWorth = (a: Stored<CachedPod>, b: Stored<CachedPod>): number =>
  worth(b) - worth(a) || (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '')

const worth = (pod: Stored<CachedPod>): number =>
  (pod.metadata.deletionTimestamp ? 0 : 2) +
  (findCondition(pod.status.conditions as readonly Condition[] | undefined, 'Ready')?.status === 'True' ? 1 : 0)

const addressesOf = ({ status }: CachedPod): string[] =>
  (status.podIPs ?? []).flatMap(({ ip }) => canonicalAddress(ip ?? '') ?? [])
