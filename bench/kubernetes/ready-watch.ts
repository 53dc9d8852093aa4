import {
  type ApiClient,
  type Condition,
  findCondition,
  type KubernetesObject,
  type ResourceType,
  type Stored,
  type Watch,
  type WatchEvent,
} from '../../packages/kubernetes/src/controller/index.ts'

/**
 * What a client sees of a namespace's objects of one type, and when. It is a watch and two maps, lighter than an informer: what measures must not
 * take the processor from what is measured. Times are performance's, of the moment an event was read.
 */
export class ReadyWatch<T extends KubernetesObject> implements AsyncDisposable {
  /** By name; those that exist. */
  readonly objects = new Map<string, Stored<T>>()
  /** When each was first seen with the condition Ready True; in that order, and also of objects that are gone. */
  readonly readyAtMs = new Map<string, number>()
  readonly #type: ResourceType<T>
  readonly #closing = new AbortController()
  readonly #waiting = new Set<() => void>()
  #ended: { readonly error: unknown } | undefined

  private constructor(type: ResourceType<T>) {
    this.#type = type
  }

  /** From the objects there are now on. */
  static async open<T extends KubernetesObject>(
    { client, signal: ending }: { readonly client: ApiClient; readonly signal: AbortSignal },
    type: ResourceType<T>,
    namespace: string
  ): Promise<ReadyWatch<T>> {
    const watching = new ReadyWatch(type)
    const signal = AbortSignal.any([ending, watching.#closing.signal])
    const from = (resourceVersion?: string) => client.watch(type, { namespace, signal, resourceVersion })
    watching.#read(await from(), from, signal).catch((error) => watching.#end(error))
    return watching
  }

  /** Resolves when `holds`, which is asked after every event. Fails after `withinMs`, and when the watch cannot go on. */
  async until(what: string, withinMs: number, holds: (watch: this) => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = () => {
      if (this.#ended) reject(this.#ended.error)
      else if (holds(this)) resolve()
    }
    const tooLate = () =>
      reject(
        new Error(
          `${what}: not within ${withinMs / 1000} s; there are ${this.objects.size} ${this.#type.plural}, ${this.readyAtMs.size} have been ready`
        )
      )
    const timer = setTimeout(tooLate, withinMs)
    this.#waiting.add(look)
    look()
    try {
      await promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(look)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error(`the watch of ${this.#type.plural} was closed`))
  }

  /** The server ends the watches of clients that it finds slow, and on a busy machine any is: what comes next is read from where that one ended. */
  async #read(
    first: Watch<T>,
    from: (resourceVersion?: string) => Promise<Watch<T>>,
    signal: AbortSignal
  ): Promise<void> {
    let version: string | undefined
    for (let watch = first; ; watch = await from(version)) {
      for await (const event of watch) {
        version = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion
        if (event.type !== 'BOOKMARK') this.#see(event)
      }
      signal.throwIfAborted()
    }
  }

  #see({ type, object }: Exclude<WatchEvent<T>, { readonly type: 'BOOKMARK' }>): void {
    const atMs = performance.now()
    const { name } = object.metadata
    if (type === 'DELETED') this.objects.delete(name)
    else this.objects.set(name, object)
    if (!this.readyAtMs.has(name) && isReady(object)) this.readyAtMs.set(name, atMs)
    for (const look of [...this.#waiting]) look()
  }

  #end(error: unknown): void {
    this.#ended = { error }
    for (const look of [...this.#waiting]) look()
  }
}

/** Claims, Sandboxes and Pods say it alike; what has no conditions never is. */
export function isReady(object: KubernetesObject): boolean {
  const { status } = object as { status?: { conditions?: readonly Condition[] } }
  return findCondition(status?.conditions, 'Ready')?.status === 'True'
}
