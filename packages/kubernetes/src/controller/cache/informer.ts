import type { ApiClient, ListOptions } from '../client/api-client.ts'
import { isGone } from '../client/api-error.ts'
import { type KubernetesObject, objectKey, type Stored } from '../client/kubernetes-object.ts'
import { linkSignals } from '../client/linked-signal.ts'
import { type ResourceType, resourceLabel } from '../client/resource-type.ts'
import type { WatchEvent } from '../client/watch-event.ts'
import { type Clock, sleep, type Timer } from '../clock.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { type BackoffOptions, fullJitterMs } from '../queue/backoff.ts'
import type { InformerMetrics } from '../telemetry/informer-metrics.ts'
import { Store, type StoreOptions } from './store.ts'
import { assertForward, type Ended, planNext } from './watch-plan.ts'

/** What happened to an object, as far as the watch has shown it. */
export type Change<T extends KubernetesObject> =
  | { readonly type: 'added'; readonly object: Stored<T>; readonly old?: undefined }
  | { readonly type: 'updated'; readonly object: Stored<T>; readonly old: Stored<T> }
  /** `unseen`: the end happened while nothing was watched, and `object` is the last that was known. */
  | { readonly type: 'deleted'; readonly object: Stored<T>; readonly old?: undefined; readonly unseen: boolean }

export type ChangeHandler<T extends KubernetesObject> = (change: Change<T>) => void

export interface InformerOptions<T extends KubernetesObject, Index extends string>
  extends Omit<StoreOptions<T, Index>, 'onIndexError'> {
  readonly client: ApiClient
  readonly type: ResourceType<T>
  /** Default: all. */
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  readonly clock: Clock
  /** Objects a page. Default 500. */
  readonly pageSize?: number
  /** Between tries that get nowhere, with full jitter. Default: 500 ms doubling up to 30 s. */
  readonly backoff?: BackoffOptions
  /**
   * A watch that has been silent for so long is made anew from where it was. Default 3 minutes: the API server sends a bookmark about once a minute.
   */
  readonly silenceMs?: number
  /** For back-off and the length of watches. Default Math.random. */
  readonly random?: () => number
  readonly log?: Logger
  readonly metrics?: InformerMetrics
}

const defaultPageSize = 500
const defaultBackoff: BackoffOptions = { baseMs: 500, maxMs: 30_000 }
const defaultSilenceMs = 180_000
/** The server is asked to end a watch after 5 to 10 minutes (as client-go does), so that watches spread over its replicas again after one was away. */
const watchSeconds = (random: () => number): number => 300 + Math.floor(random() * 300)

/**
 * Keeps a {@link Store} in step with the API server, and tells what changed: lists everything page by page, watches from there, goes on from the last
 * version after a cut, and lists anew when the server no longer has that version, telling also the deletes it missed. It stops only when told to.
 *
 * Changes are told in the order of the watch, each after it is in the store; a handler that throws is reported and changes nothing for the others.
 * An object that was deleted and made again under its name is told as deleted, then added.
 */
export class Informer<T extends KubernetesObject, Index extends string = never> implements AsyncDisposable {
  readonly store: Store<T, Index>
  readonly type: ResourceType<T>
  /** Resolves when the first list is in the store and told. Rejects when the informer was stopped before. */
  readonly synced: Promise<void>

  readonly #options: InformerOptions<T, Index>
  readonly #random: () => number
  readonly #log: Logger
  readonly #handlers = new Set<ChangeHandler<T>>()
  readonly #syncing = Promise.withResolvers<void>()
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #hasSynced = false
  /** Where the watch goes on. */
  #version = ''

  constructor(options: InformerOptions<T, Index>) {
    this.#options = options
    this.#random = options.random ?? Math.random
    this.#log = options.log ?? silentLogger
    this.type = options.type
    this.store = new Store({
      indexes: options.indexes,
      transform: options.transform,
      onIndexError: (index, key, err) => this.#log.error({ ...this.#facts, index, key, err }, 'informer.index_failed'),
    })
    this.synced = this.#syncing.promise
    // Whoever does not wait for it does not have to handle its failure.
    this.synced.catch(() => {})
    options.metrics?.observe(() => this.store.size)
  }

  get hasSynced(): boolean {
    return this.#hasSynced
  }

  /** The handler is told all that is known, as added, and then what changes, until it is disposed of. */
  onChange(handler: ChangeHandler<T>): Disposable {
    this.#handlers.add(handler)
    for (const object of this.store.observed()) this.#tell(handler, { type: 'added', object })
    return { [Symbol.dispose]: () => void this.#handlers.delete(handler) }
  }

  /** Starts, once; it goes on until `signal` aborts or it is disposed of. */
  start(signal?: AbortSignal): void {
    this.#running ??= this.#run(signal)
  }

  /** Resolves when nothing of it runs any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the informer was stopped'))
    this.#syncing.reject(this.#stop.signal.reason)
    await this.#running
  }

  get #facts() {
    return {
      resource: resourceLabel(this.type),
      ...(this.#options.namespace && { namespace: this.#options.namespace }),
    }
  }

  async #run(outer: AbortSignal | undefined): Promise<void> {
    const { clock, backoff = defaultBackoff, metrics } = this.#options
    using link = linkSignals([outer, this.#stop.signal])
    const { signal } = link
    let what: Ended['what'] = 'list'
    for (let failures = 0; !signal.aborted; ) {
      const ended = await this.#perform(what, signal)
      if (signal.aborted) break
      const next = planNext(ended)
      failures = next.backoff ? failures + 1 : 0
      if (ended.error !== undefined) {
        const facts = {
          ...this.#facts,
          after: ended.what,
          next: next.what,
          reason: next.reason,
          failures,
          err: ended.error,
        }
        this.#log[next.backoff ? 'warn' : 'info'](facts, 'informer.interrupted')
      }
      if (next.reason === 'rewound') this.store.forgetOwnWrites()
      if (ended.what === 'watch' || ended.error !== undefined) metrics?.restarted(next.what, next.reason)
      if (next.backoff) await sleep(clock, fullJitterMs(backoff, failures, this.#random), signal).catch(() => {})
      what = next.what
    }
    this.#syncing.reject(signal.reason)
  }

  async #perform(what: Ended['what'], signal: AbortSignal): Promise<Ended> {
    const { clock } = this.#options
    const began = clock.now()
    const progress = { events: 0 }
    const ended = (error?: unknown): Ended => ({ what, error, livedMs: clock.now() - began, events: progress.events })
    try {
      if (what === 'list') await this.#listAll(signal)
      else await this.#watchOn(signal, progress)
      return ended()
    } catch (error) {
      return ended(error ?? new Error('failed without a reason'))
    }
  }

  /** A list whose pages the server forgets half-way begins again; after that it is asked for in one piece, which cannot be forgotten. */
  async #listAll(signal: AbortSignal): Promise<void> {
    const { pageSize = defaultPageSize } = this.#options
    try {
      await this.#list(pageSize, signal)
    } catch (error) {
      if (!isGone(error)) throw error
      this.#log.info({ ...this.#facts, err: error }, 'informer.list_expired')
      await this.#list(undefined, signal)
    }
    this.#hasSynced = true
    this.#syncing.resolve()
  }

  /**
   * Without a resource version, so that the answer is not older than anything seen before: after a restart, acting on an old state would make
   * children twice.
   */
  async #list(limit: number | undefined, signal: AbortSignal): Promise<void> {
    const { client, namespace, labelSelector, fieldSelector } = this.#options
    // Its own back-off tells apart and reports what a retry inside the client would hide.
    const options: ListOptions = { namespace, labelSelector, fieldSelector, signal, retry: false }
    const seen = new Set<string>()
    let version = ''
    const pages = limit ? client.pages(this.type, { ...options, limit }) : [await client.list(this.type, options)]
    for await (const page of pages) {
      version = page.resourceVersion
      for (const object of page.items) {
        seen.add(objectKey(object))
        this.#observe(object)
      }
    }
    for (const object of [...this.store.observed()]) {
      const key = objectKey(object)
      if (seen.has(key)) continue
      this.store.vanish(key, version)
      this.#emit({ type: 'deleted', object, unseen: true })
    }
    this.store.progress(version)
    this.#version = version
  }

  async #watchOn(signal: AbortSignal, progress: { events: number }): Promise<void> {
    const { client, namespace, labelSelector, fieldSelector, clock, silenceMs = defaultSilenceMs } = this.#options
    const silent = new AbortController()
    using link = linkSignals([signal, silent.signal])
    using silence = new SilenceAlarm(clock, silenceMs, () => silent.abort(new Error(`no event for ${silenceMs} ms`)))
    try {
      await using watch = await client.watch(this.type, {
        namespace,
        labelSelector,
        fieldSelector,
        resourceVersion: this.#version,
        timeoutSeconds: watchSeconds(this.#random),
        signal: link.signal,
      })
      for await (const event of watch) {
        silence.heard()
        progress.events += 1
        this.#take(event)
      }
    } catch (error) {
      // Silence is an end like that of a cut: the next watch goes on from here.
      if (!silent.signal.aborted) throw error
    }
  }

  #take(event: WatchEvent<T>): void {
    const version = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion
    assertForward(this.#version, version)
    if (event.type === 'DELETED') this.#vanish(event.object)
    else if (event.type !== 'BOOKMARK') this.#observe(event.object)
    this.#version = version
    this.store.progress(version)
  }

  #observe(seen: Stored<T>): void {
    const { object, old } = this.store.observe(seen)
    if (!old) this.#emit({ type: 'added', object })
    else if (old.metadata.uid !== object.metadata.uid) {
      this.#emit({ type: 'deleted', object: old, unseen: true })
      this.#emit({ type: 'added', object })
    } else if (old.metadata.resourceVersion !== object.metadata.resourceVersion) {
      this.#emit({ type: 'updated', object, old })
    }
  }

  #vanish(last: Stored<T>): void {
    const old = this.store.vanish(objectKey(last), last.metadata.resourceVersion)
    if (old) this.#emit({ type: 'deleted', object: this.store.prepare(last), unseen: false })
  }

  #emit(change: Change<T>): void {
    this.#options.metrics?.changed(change.type)
    for (const handler of [...this.#handlers]) this.#tell(handler, change)
  }

  #tell(handler: ChangeHandler<T>, change: Change<T>): void {
    try {
      handler(change)
    } catch (err) {
      this.#options.metrics?.handlerFailed()
      const facts = { ...this.#facts, change: change.type, key: objectKey(change.object), err }
      this.#log.error(facts, 'informer.handler_failed')
    }
  }
}

/** Rings once nothing was heard for a while. Hearing costs a look at the clock, not a timer. */
class SilenceAlarm implements Disposable {
  readonly #clock: Clock
  readonly #ms: number
  readonly #ring: () => void
  #heardAt: number
  #timer: Timer

  constructor(clock: Clock, ms: number, ring: () => void) {
    this.#clock = clock
    this.#ms = ms
    this.#ring = ring
    this.#heardAt = clock.now()
    this.#timer = clock.startTimer(ms, () => this.#look())
  }

  heard(): void {
    this.#heardAt = this.#clock.now()
  }

  [Symbol.dispose](): void {
    this.#timer.clear()
  }

  #look(): void {
    const leftMs = this.#heardAt + this.#ms - this.#clock.now()
    if (leftMs > 0) this.#timer = this.#clock.startTimer(leftMs, () => this.#look())
    else this.#ring()
  }
}
