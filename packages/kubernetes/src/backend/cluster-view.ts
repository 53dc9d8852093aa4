import { isSandboxId } from '@bulkhead/sandbox'
import { type SandboxClaim, sandboxClaims } from '../api/index.ts'
import {
  type ApiClient,
  type Clock,
  Informer,
  keyOf,
  type Logger,
  pods,
  type ResourceType,
  runtimeClasses,
  type Stored,
  withoutManagedFields,
} from '../controller/index.ts'
import { type CachedPod, cachedPod } from './cached-pod.ts'
import { oursSelector } from './keys.ts'
import type { NamedHandler } from './placement.ts'
import { recordOf } from './sandbox-record.ts'
import type { Known } from './to-sandbox.ts'

export interface ClusterViewOptions {
  readonly client: ApiClient
  readonly namespace: string
  readonly clock: Clock
  readonly log: Logger
}

/** What this server sees of the cluster: its own claims and Pods, and the RuntimeClasses. */
export class ClusterView implements AsyncDisposable {
  readonly claims: Informer<SandboxClaim, 'pod'>
  readonly pods: Informer<CachedPod>
  readonly #classes: Informer<KnownClass>
  readonly #namespace: string
  readonly #waiting = new Set<() => void>()

  constructor({ client, namespace, clock, log }: ClusterViewOptions) {
    const own = { client, namespace, clock, log, labelSelector: oursSelector }
    this.#namespace = namespace
    this.claims = new Informer({
      ...own,
      type: sandboxClaims,
      transform: withoutManagedFields,
      indexes: { pod: (claim) => [podNameOf(claim)] },
    })
    this.pods = new Informer({ ...own, type: pods as ResourceType as ResourceType<CachedPod>, transform: cachedPod })
    this.#classes = new Informer({
      client,
      clock,
      log,
      type: runtimeClasses as ResourceType as ResourceType<KnownClass>,
    })
    for (const informer of [this.claims, this.pods]) informer.onChange(() => this.#look())
  }

  /** Resolves when all that there is is known. */
  async open(signal: AbortSignal): Promise<void> {
    const all = [this.claims, this.pods, this.#classes]
    for (const informer of all) informer.start()
    const aborted = Promise.withResolvers<never>()
    const onAbort = () => aborted.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      signal.throwIfAborted()
      await Promise.race([Promise.all(all.map(({ synced }) => synced)), aborted.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Undefined for what is no sandbox of this server. */
  known(id: string): Known | undefined {
    const claim = isSandboxId(id) ? this.claim(id) : undefined
    return claim && { claim, pod: this.podOf(claim) }
  }

  all(): Known[] {
    return [...this.claims.store.list()].map((claim) => ({ claim, pod: this.podOf(claim) }))
  }

  claim(id: string): Stored<SandboxClaim> | undefined {
    return this.claims.store.get(keyOf({ namespace: this.#namespace, name: id }))
  }

  podOf(claim: Stored<SandboxClaim>): Stored<CachedPod> | undefined {
    return this.pods.store.get(keyOf({ namespace: this.#namespace, name: podNameOf(claim) }))
  }

  /** Those whose Pod has this name, or would have. */
  claimsOf(podName: string): Stored<SandboxClaim>[] {
    return this.claims.store.by('pod', podName)
  }

  handlers(): NamedHandler[] {
    return [...this.#classes.store.list()].map(({ metadata, handler }) => ({ name: metadata.name, handler }))
  }

  /** Resolves with the first answer of `probe` that is not undefined; it is asked now and after each change. */
  async until<Found>(probe: () => Found | undefined, signal: AbortSignal): Promise<Found> {
    const { promise, resolve, reject } = Promise.withResolvers<Found>()
    const look = () => {
      try {
        const found = probe()
        if (found !== undefined) resolve(found)
      } catch (error) {
        reject(error)
      }
    }
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#waiting.add(look)
    try {
      signal.throwIfAborted()
      look()
      return await promise
    } finally {
      this.#waiting.delete(look)
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** After a write of our own, whose answer is in the store before the watch shows it. */
  wrote(claim: Stored<SandboxClaim>): void {
    this.claims.store.wrote(claim)
    this.#look()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.claims, this.pods, this.#classes].map((informer) => informer[Symbol.asyncDispose]()))
  }

  #look(): void {
    for (const look of [...this.#waiting]) look()
  }
}

/** The Pod that a claim was given; of one that was given none yet, that of the Sandbox it has. A Sandbox that is made for a claim has its name. */
const podNameOf = (claim: Stored<SandboxClaim>): string =>
  recordOf(claim)?.pod?.name ?? claim.status?.sandbox?.name ?? claim.metadata.name

type KnownClass = { readonly metadata?: { readonly name?: string }; readonly handler: string }
