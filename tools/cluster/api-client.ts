import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '@bulkhead/wire/errors'
import type { Certificate } from './certificates.ts'

/** The slice of any Kubernetes object that is read here. */
export interface KubernetesObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: {
    readonly name: string
    readonly resourceVersion?: string
    readonly [field: string]: unknown
  }
  readonly [field: string]: unknown
}

interface ObjectList {
  readonly metadata: { readonly resourceVersion: string }
  readonly items: readonly KubernetesObject[]
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: KubernetesObject
}

interface Answer {
  readonly status: number
  readonly text: string
}

const fieldManager = 'bulkhead-cluster'
const requestTimeoutMs = 30_000
/** After an API server that is just starting has refused, or a watch has ended. */
const againMs = 100
/** A list is asked for anew when its watch has ended: by then nothing can have been missed. */
const watchSeconds = 60

/** The few calls to the API server that make a cluster complete. For anything more there are real clients. */
export class ApiClient implements Disposable {
  readonly #server: string
  readonly #agent: Agent

  /** `authority`: PEM, of who has signed the server's certificate; `user`: who asks. */
  constructor(server: string, authority: string, user: Certificate) {
    this.#server = server
    this.#agent = new Agent({ keepAlive: true, ca: authority, cert: user.certificate, key: user.key })
  }

  /** Whether it answers, and says that it is ready. */
  ready(signal: AbortSignal): Promise<boolean> {
    return isOk(`${this.#server}/readyz`, this.#agent, signal)
  }

  /** Undefined when there is no such object. Fails `cluster_api_failed`. */
  async get(path: string, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#ask('GET', path, signal)
    return answer.status === 404 ? undefined : JSON.parse(needOk(`GET ${path}`, answer))
  }

  /** Fine when it is there already. Fails `cluster_api_failed`. */
  async create(path: string, object: KubernetesObject, signal: AbortSignal): Promise<void> {
    const answer = await this.#ask('POST', path, signal, { type: 'application/json', object })
    if (answer.status !== 409) needOk(`POST ${path}`, answer)
  }

  /** Server-side apply: makes the object so, whether it is there or not. Fails `cluster_api_failed`. */
  async apply(path: string, object: KubernetesObject, signal: AbortSignal): Promise<void> {
    const query = `${path}/${object.metadata.name}?fieldManager=${fieldManager}&force=true`
    const answer = await this.#ask('PATCH', query, signal, { type: 'application/apply-patch+yaml', object })
    needOk(`PATCH ${query}`, answer)
  }

  /** Waits until `enough` says yes to the objects at `path`, told by a watch of each change. */
  async until(
    path: string,
    enough: (objects: readonly KubernetesObject[]) => boolean,
    signal: AbortSignal
  ): Promise<void> {
    for (;;) {
      const list = (await this.get(path, signal)) as ObjectList
      const objects = new Map(list.items.map((item) => [item.metadata.name, item]))
      if (enough([...objects.values()])) return
      for await (const { type, object } of this.#watch(path, list.metadata.resourceVersion, signal)) {
        if (type === 'ERROR') break
        if (type === 'DELETED') objects.delete(object.metadata.name)
        else if (type !== 'BOOKMARK') objects.set(object.metadata.name, object)
        if (enough([...objects.values()])) return
      }
      await sleep(againMs, undefined, { signal })
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  async *#watch(path: string, resourceVersion: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const query = `${path}${path.includes('?') ? '&' : '?'}watch=1&resourceVersion=${resourceVersion}&timeoutSeconds=${watchSeconds}`
    const sent = request(`${this.#server}${query}`, { agent: this.#agent, signal })
    sent.end()
    const [response] = (await once(sent, 'response', { signal })) as [IncomingMessage]
    try {
      for await (const line of createInterface({ input: response, signal })) yield JSON.parse(line) as WatchEvent
      signal.throwIfAborted() // readline ends quietly
    } finally {
      response.destroy()
    }
  }

  #ask(
    method: string,
    path: string,
    signal: AbortSignal,
    body?: { type: string; object: KubernetesObject }
  ): Promise<Answer> {
    const headers = body && { 'content-type': body.type }
    const sent = request(`${this.#server}${path}`, {
      method,
      agent: this.#agent,
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
      ...(headers && { headers }),
    })
    sent.end(body && JSON.stringify(body.object))
    return answerTo(sent, `${method} ${path}`, signal)
  }
}

/** Whether a health endpoint of one of the cluster's programs says 200. */
export async function isHealthy(url: string, authority: string, signal: AbortSignal): Promise<boolean> {
  const agent = new Agent({ ca: authority })
  try {
    return await isOk(url, agent, signal)
  } finally {
    agent.destroy()
  }
}

/** False, too, when nobody listens yet. */
async function isOk(url: string, agent: Agent, signal: AbortSignal): Promise<boolean> {
  const sent = request(url, { agent, signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]) })
  sent.end()
  try {
    return (await answerTo(sent, `GET ${url}`, signal)).status === 200
  } catch {
    signal.throwIfAborted()
    return false
  }
}

async function answerTo(sent: ReturnType<typeof request>, what: string, signal: AbortSignal): Promise<Answer> {
  try {
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }
  } catch (cause) {
    signal.throwIfAborted()
    throw failure('cluster_api_failed', { request: what, detail: (cause as Error).message }, { cause })
  }
}

function needOk(what: string, { status, text }: Answer): string {
  if (status >= 200 && status < 300) return text
  throw failure('cluster_api_failed', { request: what, detail: `${status} ${messageOf(text)}` })
}

/** Of a Status object, or the beginning of what it is instead. */
function messageOf(text: string): string {
  try {
    return String((JSON.parse(text) as { message?: unknown }).message)
  } catch {
    return text.slice(0, 200)
  }
}
