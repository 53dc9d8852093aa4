import type { CreateSandboxInput, Sandbox as SandboxInfo } from '@bulkhead/wire'
import { routes } from '@bulkhead/wire/routes'
import { callJson } from './http/call-json.ts'
import type { HttpClient } from './http/http-client.ts'
import { loadGuest, Sandbox } from './sandbox.ts'

interface Options {
  readonly signal?: AbortSignal
}

export class Sandboxes {
  readonly #http: HttpClient

  constructor(http: HttpClient) {
    this.#http = http
  }

  /** Resolves when it runs. An abort leaves nothing behind. */
  async create(request: CreateSandboxInput = {}, options: Options = {}): Promise<Sandbox> {
    const info = callJson<SandboxInfo>(this.#http, {
      method: 'POST',
      path: routes.sandboxes,
      body: request,
      ...options,
    })
    // Meanwhile: whoever makes a sandbox talks to it next. A failure to load is reported there.
    loadGuest().catch(() => {})
    return new Sandbox(this.#http, await info)
  }

  /** Fails `sandbox_not_found`. */
  async get(id: string, options: Options = {}): Promise<Sandbox> {
    return new Sandbox(this.#http, await callJson(this.#http, { path: routes.sandbox(id), ...options }))
  }

  /** Newest first; `ended`: also those that have ended. */
  async list({ ended = false, ...options }: Options & { ended?: boolean } = {}): Promise<Sandbox[]> {
    const path = ended ? `${routes.sandboxes}?ended=true` : routes.sandboxes
    const infos = await callJson<SandboxInfo[]>(this.#http, { path, ...options })
    return infos.map((info) => new Sandbox(this.#http, info))
  }

  delete(id: string, options: Options = {}): Promise<void> {
    return callJson(this.#http, { method: 'DELETE', path: routes.sandbox(id), ...options })
  }

  /** `deadlineMs` from now; null: none. */
  setDeadline(id: string, deadlineMs: number | null, options: Options = {}): Promise<SandboxInfo> {
    return callJson(this.#http, { method: 'PUT', path: routes.deadline(id), body: { deadlineMs }, ...options })
  }
}
