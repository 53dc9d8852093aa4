import type { Fence } from '../fence.ts'
import type { Lane } from '../queue/lanes.ts'
import { type KubernetesObject, keyOf, type ObjectName, type Stored } from './kubernetes-object.ts'
import { linkSignals } from './linked-signal.ts'
import { type Patch, patchContentType } from './patch.ts'
import { type ApiRequest, type CallOptions, Requester, type RequesterOptions } from './requester.ts'
import { apiVersionOf, collectionPath, objectPath, type ResourceType, resourceLabel } from './resource-type.ts'
import { Watch } from './watch.ts'

export interface GetOptions extends CallOptions {
  /** Default: the newest there is. `0`: whatever the API server has at hand. */
  readonly resourceVersion?: string
}

export interface ListOptions extends CallOptions {
  /** Default: all. */
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  /** Objects a page; default: all in one. */
  readonly limit?: number | undefined
  /** Of the page before. Fails {@link isGone} when it is too old. */
  readonly continue?: string | undefined
  readonly resourceVersion?: string | undefined
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined
}

export interface ListPage<T extends KubernetesObject> {
  readonly items: readonly Stored<T>[]
  /** Of the whole list, the same on all of its pages: where a watch goes on. */
  readonly resourceVersion: string
  /** Absent on the last page. */
  readonly continue: string | undefined
}

export interface WatchOptions {
  readonly signal: AbortSignal
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  /** Events after this version. Default: an ADDED for everything there is, then the rest. */
  readonly resourceVersion?: string | undefined
  /** When the server ends the watch. Default: as it likes (30 to 60 minutes). */
  readonly timeoutSeconds?: number | undefined
  /** Default true. */
  readonly bookmarks?: boolean | undefined
  /** Longest line, in bytes. Default 16 MiB. */
  readonly lineLimitBytes?: number | undefined
}

export interface WriteOptions extends CallOptions {
  /** Default: the client's. */
  readonly fieldManager?: string | undefined
  /** All of it but the storing. */
  readonly dryRun?: boolean | undefined
  /** What the server does about fields it does not know. Default: its own, to warn. */
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict' | undefined
}

export interface ChangeOptions extends WriteOptions {
  /** `status`: only the status is changed; without it, only the rest. */
  readonly subresource?: string | undefined
}

export interface DeleteOptions extends CallOptions {
  /** Only if the object still is this one; else {@link isConflict}. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined
  readonly gracePeriodSeconds?: number | undefined
  readonly dryRun?: boolean | undefined
}

/** What holds for all calls of one client. */
export interface ClientDefaults {
  /** Writes are sent only while it holds. */
  readonly fence?: Fence | undefined
  readonly lane?: Lane | 'exempt' | undefined
  /** Whose the fields are that are written. */
  readonly fieldManager?: string | undefined
}

/**
 * A typed client of one API server. What a kind of object is called and looks like is told by a {@link ResourceType}; objects are plain JSON.
 * Every call fails with ApiError when the server says no, with TransportError when no answer came, or with the reason of its signal.
 */
export class ApiClient {
  readonly #requester: Requester
  readonly #defaults: ClientDefaults

  /** Several clients may share a requester: its connections, rate and places. */
  constructor(requester: Requester, defaults: ClientDefaults = {}) {
    this.#requester = requester
    this.#defaults = defaults
  }

  /** The same connections, rate and places, with other defaults. */
  with(defaults: ClientDefaults): ApiClient {
    return new ApiClient(this.#requester, { ...this.#defaults, ...defaults })
  }

  /** The namespace of this program's credentials. */
  get namespace(): string {
    return this.#requester.access.namespace
  }

  get<T extends KubernetesObject>(
    type: ResourceType<T>,
    name: ObjectName,
    options: GetOptions = {}
  ): Promise<Stored<T>> {
    const { resourceVersion, ...call } = options
    return this.#object(type, {
      operation: operationOf('GET', type, keyOf(name)),
      method: 'GET',
      path: objectPath(type, name),
      query: { resourceVersion },
      call,
    })
  }

  /** One page. */
  async list<T extends KubernetesObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<ListPage<T>> {
    const { namespace, labelSelector, fieldSelector, limit, resourceVersion, resourceVersionMatch, ...rest } = options
    const { continue: token, ...call } = rest
    const answer = (await this.#call({
      operation: operationOf('LIST', type, namespace),
      method: 'GET',
      path: collectionPath(type, namespace),
      query: { labelSelector, fieldSelector, limit, continue: token, resourceVersion, resourceVersionMatch },
      call,
    })) as { items?: Stored<T>[] | null; metadata?: { resourceVersion?: string; continue?: string } }
    // Objects of core kinds come without these two in a list.
    const own = { apiVersion: apiVersionOf(type), kind: type.kind }
    return {
      items: (answer.items ?? []).map((item) => ({ ...own, ...item })),
      resourceVersion: answer.metadata?.resourceVersion ?? '',
      continue: answer.metadata?.continue || undefined,
    }
  }

  /** All pages of one list: one state of the world, unless the API server forgets it in between ({@link isGone}). */
  async *pages<T extends KubernetesObject>(
    type: ResourceType<T>,
    options: ListOptions & { readonly limit: number }
  ): AsyncGenerator<ListPage<T>, void> {
    let page = await this.list(type, options)
    yield page
    while (page.continue) {
      // The token carries the version: the server refuses both.
      const { resourceVersion: _, resourceVersionMatch: __, ...rest } = options
      page = await this.list(type, { ...rest, continue: page.continue })
      yield page
    }
  }

  /** Resolves when the server has accepted the watch. */
  async watch<T extends KubernetesObject>(type: ResourceType<T>, options: WatchOptions): Promise<Watch<T>> {
    const { signal, namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds } = options
    const operation = operationOf('WATCH', type, namespace)
    const closing = new AbortController()
    const link = linkSignals([signal, closing.signal])
    const close = (reason: unknown) => {
      closing.abort(reason)
      link[Symbol.dispose]()
    }
    try {
      const response = await this.#requester.open(
        {
          operation,
          method: 'GET',
          path: collectionPath(type, namespace),
          query: {
            watch: true,
            allowWatchBookmarks: options.bookmarks ?? true,
            labelSelector,
            fieldSelector,
            resourceVersion,
            timeoutSeconds,
          },
        },
        link.signal
      )
      return new Watch<T>(operation, response, close, options.lineLimitBytes)
    } catch (error) {
      link[Symbol.dispose]()
      throw error
    }
  }

  create<T extends KubernetesObject>(type: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<Stored<T>> {
    const { namespace, name } = object.metadata ?? {}
    if (type.namespaced && !namespace) throw new TypeError(`${type.kind} "${name ?? ''}" needs a namespace`)
    return this.#object(type, {
      operation: operationOf('POST', type, keyOf({ namespace, name: name ?? '' })),
      method: 'POST',
      path: collectionPath(type, namespace),
      body: { apiVersion: apiVersionOf(type), kind: type.kind, ...object },
      ...this.#write(options),
    })
  }

  /** Fails {@link isConflict} unless the object on the server still has the resource version of `object`. */
  replace<T extends KubernetesObject>(
    type: ResourceType<T>,
    object: Stored<T>,
    options: ChangeOptions = {}
  ): Promise<Stored<T>> {
    return this.#object(type, {
      operation: operationOf('PUT', type, keyOf(object.metadata), options.subresource),
      method: 'PUT',
      path: objectPath(type, object.metadata, options.subresource),
      body: object,
      ...this.#write(options),
    })
  }

  patch<T extends KubernetesObject>(
    type: ResourceType<T>,
    name: ObjectName,
    patch: Patch,
    options: ChangeOptions = {}
  ): Promise<Stored<T>> {
    const own = patch.type === 'apply' ? { apiVersion: apiVersionOf(type), kind: type.kind } : {}
    const { query, ...rest } = this.#write(options)
    if (patch.type === 'apply' && !query.fieldManager) throw new TypeError('server-side apply needs a fieldManager')
    return this.#object(type, {
      operation: operationOf('PATCH', type, keyOf(name), options.subresource),
      method: 'PATCH',
      path: objectPath(type, name, options.subresource),
      contentType: patchContentType[patch.type],
      body: patch.type === 'json' ? patch.body : { ...own, ...patch.body },
      query: { ...query, force: patch.type === 'apply' && patch.force ? true : undefined },
      ...rest,
    })
  }

  /** The object as it is while it waits for finalizers or its grace period; undefined when it is gone already. */
  async delete<T extends KubernetesObject>(
    type: ResourceType<T>,
    name: ObjectName,
    options: DeleteOptions = {}
  ): Promise<Stored<T> | undefined> {
    const { preconditions, propagationPolicy, gracePeriodSeconds, dryRun, ...call } = options
    const answer = (await this.#call({
      operation: operationOf('DELETE', type, keyOf(name)),
      method: 'DELETE',
      path: objectPath(type, name),
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(preconditions && { preconditions }),
        ...(propagationPolicy && { propagationPolicy }),
        ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
        ...(dryRun && { dryRun: ['All'] }),
      },
      call,
      fence: this.#defaults.fence,
    })) as KubernetesObject
    return answer.kind === 'Status' ? undefined : (answer as Stored<T>)
  }

  /** A GET of any path, for what is no object: `/version`, `/apis`. */
  getRaw(path: string, call: CallOptions = {}): Promise<unknown> {
    return this.#call({ operation: `GET ${path}`, method: 'GET', path, call })
  }

  /** As {@link getRaw}, for what is no JSON: `/readyz`, `/metrics`. */
  getText(path: string, call: CallOptions = {}): Promise<string> {
    return this.#requester.text(this.#inLane({ operation: `GET ${path}`, method: 'GET', path, call }))
  }

  #write(options: ChangeOptions) {
    const { fieldManager = this.#defaults.fieldManager, dryRun, fieldValidation, subresource: _, ...call } = options
    return {
      query: { fieldManager, fieldValidation, dryRun: dryRun ? 'All' : undefined },
      call,
      fence: this.#defaults.fence,
    }
  }

  async #object<T extends KubernetesObject>(type: ResourceType<T>, request: ApiRequest): Promise<Stored<T>> {
    const answer = (await this.#call(request)) as Stored<T>
    return answer.kind ? answer : { ...answer, apiVersion: apiVersionOf(type), kind: type.kind }
  }

  #call(request: ApiRequest): Promise<unknown> {
    return this.#requester.call(this.#inLane(request))
  }

  #inLane(request: ApiRequest): ApiRequest {
    const { lane = this.#defaults.lane, ...call } = request.call ?? {}
    return { ...request, call: { ...call, lane } }
  }
}

/** `PATCH sandboxes.agents.x-k8s.io/status default/a`. */
function operationOf(verb: string, type: ResourceType, about: string | undefined, subresource?: string): string {
  const what = subresource ? `${resourceLabel(type)}/${subresource}` : resourceLabel(type)
  return about ? `${verb} ${what} ${about}` : `${verb} ${what}`
}

/** An open client and what has to be closed with it. */
export interface OpenedApiClient extends AsyncDisposable {
  readonly client: ApiClient
}

/** Nothing is connected to yet. Dispose of it to cut what is open. */
export function openApiClient(options: RequesterOptions & { readonly defaults?: ClientDefaults }): OpenedApiClient {
  const requester = new Requester(options)
  return {
    client: new ApiClient(requester, options.defaults),
    [Symbol.asyncDispose]: () => requester[Symbol.asyncDispose](),
  }
}
