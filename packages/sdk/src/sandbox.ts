import type { Evidence, Sandbox as SandboxInfo } from '@bulkhead/wire'
import { routes } from '@bulkhead/wire/routes'
import { Files } from './files/files.ts'
import { GuestHttp } from './files/guest-http.ts'
import { Tree } from './files/tree.ts'
import { callJson } from './http/call-json.ts'
import type { HttpClient } from './http/http-client.ts'
import type { ProcessInfo } from './process/list-processes.ts'
import type { OutputSink, ProcessHandle } from './process/process-handle.ts'
import type { RunOptions, RunResult } from './process/run-process.ts'
import type { StartOptions } from './process/start-process.ts'

/** A sandbox and what is in it. */
export class Sandbox {
  readonly id: string
  /** As of the last answer about it. */
  info: SandboxInfo
  readonly files: Files
  readonly tree: Tree
  readonly #http: HttpClient
  #guest: Promise<Guest> | undefined

  constructor(http: HttpClient, info: SandboxInfo) {
    const prefix = routes.guest(info.id)
    const guestHttp = new GuestHttp(http, prefix)
    this.id = info.id
    this.info = info
    this.files = new Files(guestHttp, async () => (await this.#rpc()).rpc)
    this.tree = new Tree(guestHttp)
    this.#http = http
  }

  /** Runs a command to its end and collects its output. */
  async run(argv: readonly string[], options?: RunOptions): Promise<RunResult> {
    const { rpc, runProcess } = await this.#rpc()
    return runProcess(rpc, argv, options)
  }

  /** Starts a command; resolves when it runs. */
  async start(argv: readonly string[], options?: StartOptions): Promise<ProcessHandle> {
    const { rpc, startProcess } = await this.#rpc()
    return startProcess(rpc, argv, options)
  }

  /** Follows a process that runs; output nobody read so far comes first, up to a bound. */
  async connect(
    which: { pid: number } | { tag: string },
    options?: { hasTerminal?: boolean; onStdout?: OutputSink; onStderr?: OutputSink }
  ): Promise<ProcessHandle> {
    const { rpc, followProcess } = await this.#rpc()
    return followProcess(rpc, which, options)
  }

  /** What runs in it of what was started from outside. */
  async processes(options: { signal?: AbortSignal } = {}): Promise<ProcessInfo[]> {
    const { rpc, listProcesses } = await this.#rpc()
    return listProcesses(rpc, options.signal)
  }

  /** `deadlineMs` from now; null: none. */
  async setDeadline(deadlineMs: number | null, options: { signal?: AbortSignal } = {}): Promise<void> {
    this.info = await callJson(this.#http, {
      method: 'PUT',
      path: routes.deadline(this.id),
      body: { deadlineMs },
      ...options,
    })
  }

  evidence(options: { signal?: AbortSignal } = {}): Promise<Evidence> {
    return callJson(this.#http, { path: routes.sandboxEvidence(this.id), ...options })
  }

  delete(options: { signal?: AbortSignal } = {}): Promise<void> {
    return callJson(this.#http, { method: 'DELETE', path: routes.sandbox(this.id), ...options })
  }

  #rpc(): Promise<Guest> {
    this.#guest ??= loadGuest().then((guest) => ({
      ...guest,
      rpc: new guest.RpcClient(this.#http, routes.guest(this.id)),
    }))
    return this.#guest
  }
}

type GuestModule = typeof import('./guest.ts')
type Guest = GuestModule & { readonly rpc: InstanceType<GuestModule['RpcClient']> }

/** What talks to a guest is loaded while its sandbox is being made, not before that is asked for: protobuf is most of the SDK. */
export const loadGuest = (): Promise<GuestModule> => import('./guest.ts')
