import type { EvidenceOfAll, RuntimeReport } from '@bulkhead/wire'
import { routes } from '@bulkhead/wire/routes'
import { callJson } from './http/call-json.ts'
import type { HttpClient } from './http/http-client.ts'
import { Images } from './images.ts'
import { Sandboxes } from './sandboxes.ts'

interface Options {
  readonly signal?: AbortSignal
}

/** A server of Bulkhead. All methods fail with a `BulkheadError`; match on its `code`. */
export class Bulkhead implements Disposable {
  readonly sandboxes: Sandboxes
  readonly images: Images
  readonly #http: HttpClient

  constructor(http: HttpClient) {
    this.#http = http
    this.sandboxes = new Sandboxes(http)
    this.images = new Images(http)
  }

  /** Resolves when the server answers. */
  health(options: Options = {}): Promise<{ status: 'ok'; pid: number }> {
    return callJson(this.#http, { path: routes.health, ...options })
  }

  /** What each kernel runtime can do there; `fresh`: probe again instead of the answer kept. */
  runtimes({ fresh = false, ...options }: Options & { fresh?: boolean } = {}): Promise<RuntimeReport[]> {
    return callJson(this.#http, { path: fresh ? `${routes.runtimes}?fresh=true` : routes.runtimes, ...options })
  }

  /** Evidence of every running sandbox. */
  evidence(options: Options = {}): Promise<EvidenceOfAll> {
    return callJson(this.#http, { path: routes.evidence, ...options })
  }

  /** Asks the server to end; sandboxes go on. Resolves when it has heard. */
  async shutdown(options: Options = {}): Promise<void> {
    await callJson(this.#http, { method: 'POST', path: routes.shutdown, ...options })
  }

  /** Ends idle connections, so that nothing keeps the process alive. Sandboxes and their processes go on. */
  close(): void {
    this.#http.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
