import { createConnection } from 'node:net'
import { failure } from '@bulkhead/wire/errors'
import { type CallOptions, type Client, createClient } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { type Container, type PodSandbox, RuntimeService } from '../gen/runtime/v1/runtime_pb.ts'
import { criFailure } from './cri-errors.ts'

export interface CriVersion {
  /** `containerd`, `cri-o`. */
  readonly name: string
  readonly version: string
}

/** containerd itself sends no larger message, and a kubelet takes none. */
const maxAnswerBytes = 16 * 1024 * 1024
const callDeadlineMs = 10_000
/** Behind these calls is a shim for each pod: one that hangs must not hold up what is said of the others. */
const infoDeadlineMs = 2_000
/** A node has 110 pods by default, and a few hundred at most; some that have ended are kept. */
const most = { ListPodSandbox: 5_000, ListContainers: 20_000 } as const

/**
 * The calls, each bounded in time and size. All fail with errors of the table: `cri_unreachable`, `cri_answer_invalid`, `cri_call_failed`. It
 * connects with the first call, and again after the connection has ended.
 */
export class CriClient implements Disposable {
  readonly #socket: string
  readonly #session: Http2SessionManager
  readonly #client: Client<typeof RuntimeService>

  constructor(socket: string) {
    const baseUrl = 'http://localhost'
    this.#socket = socket
    this.#session = new Http2SessionManager(baseUrl, {}, { createConnection: () => createConnection(socket) })
    const transport = createGrpcTransport({
      baseUrl,
      sessionManager: this.#session,
      readMaxBytes: maxAnswerBytes,
      acceptCompression: [],
      // Pods' labels and annotations, which are not ours to read, are in the answers.
      binaryOptions: { readUnknownFields: false },
    })
    this.#client = createClient(RuntimeService, transport)
  }

  async version(signal: AbortSignal): Promise<CriVersion> {
    const answer = await this.#call('Version', signal, (options) => this.#client.version({}, options))
    return { name: answer.runtimeName, version: answer.runtimeVersion }
  }

  async sandboxes(signal: AbortSignal): Promise<readonly PodSandbox[]> {
    const call = 'ListPodSandbox'
    const { items } = await this.#call(call, signal, (options) => this.#client.listPodSandbox({}, options))
    for (const { id, metadata } of items) {
      if (!id || !metadata?.uid || !metadata.namespace || !metadata.name)
        throw this.#invalid(call, 'a sandbox has no id, or no pod that it belongs to')
    }
    return this.#bounded(call, items)
  }

  async containers(signal: AbortSignal): Promise<readonly Container[]> {
    const call = 'ListContainers'
    const { containers } = await this.#call(call, signal, (options) => this.#client.listContainers({}, options))
    return this.#bounded(call, containers)
  }

  /** What the runtime says of a sandbox beyond the CRI. */
  async sandboxInfo(id: string, signal: AbortSignal): Promise<VerboseInfo> {
    const request = { podSandboxId: id, verbose: true }
    const ask = (options: CallOptions) => this.#client.podSandboxStatus(request, options)
    return (await this.#call('PodSandboxStatus', signal, ask, infoDeadlineMs)).info
  }

  /** The same of a container. */
  async containerInfo(id: string, signal: AbortSignal): Promise<VerboseInfo> {
    const request = { containerId: id, verbose: true }
    const ask = (options: CallOptions) => this.#client.containerStatus(request, options)
    return (await this.#call('ContainerStatus', signal, ask, infoDeadlineMs)).info
  }

  [Symbol.dispose](): void {
    this.#session.abort()
  }

  async #call<Answer>(
    name: string,
    signal: AbortSignal,
    ask: (options: CallOptions) => Promise<Answer>,
    timeoutMs = callDeadlineMs
  ): Promise<Answer> {
    try {
      return await ask({ signal, timeoutMs })
    } catch (error) {
      signal.throwIfAborted()
      throw criFailure(this.#socket, name, error)
    }
  }

  #bounded<Item>(call: keyof typeof most, items: readonly Item[]): readonly Item[] {
    if (items.length <= most[call]) return items
    throw this.#invalid(call, `it lists ${items.length}, and a node has ${most[call]} at most`)
  }

  #invalid(call: string, problem: string) {
    return failure('cri_answer_invalid', { socket: this.#socket, call, problem })
  }
}

export type VerboseInfo = Readonly<Record<string, string>>
