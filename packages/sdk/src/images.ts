import type { Image, ImageProgress } from '@bulkhead/wire'
import { failure } from '@bulkhead/wire/errors'
import { routes } from '@bulkhead/wire/routes'
import { callJson, sendJson } from './http/call-json.ts'
import { errorFromBody } from './http/error-from-body.ts'
import type { HttpClient } from './http/http-client.ts'
import { lines } from './http/lines.ts'

interface Options {
  readonly signal?: AbortSignal
}

export class Images {
  readonly #http: HttpClient

  constructor(http: HttpClient) {
    this.#http = http
  }

  list(options: Options = {}): Promise<Image[]> {
    return callJson(this.#http, { path: routes.images, ...options })
  }

  /** `reference`: of a registry, `oci:PATH[:TAG]` or `docker-archive:PATH` (paths of the server's machine). An abort ends the pull. */
  async pull(
    reference: string,
    { onProgress, signal }: Options & { onProgress?: (event: ImageProgress) => void } = {}
  ): Promise<Image> {
    const operation = `POST ${routes.images}`
    const response = await sendJson(this.#http, { method: 'POST', path: routes.images, body: { reference }, signal })
    for await (const line of lines(response.body, operation)) {
      const event = line as ImageProgress
      if (event.error !== undefined)
        throw (
          errorFromBody(event.error) ?? failure('answer_invalid', { operation, problem: 'a failure without a reason' })
        )
      onProgress?.(event)
      if (event.image) return event.image
    }
    throw failure('connection_lost', { operation, reason: 'the progress ended before the image was there' })
  }

  /** By name or digest. */
  remove(name: string, options: Options = {}): Promise<Image> {
    return callJson(this.#http, { method: 'DELETE', path: routes.image(name), ...options })
  }

  /** What no name and no sandbox used; gone now. */
  prune(options: Options = {}): Promise<Image[]> {
    return callJson(this.#http, { method: 'POST', path: routes.prune, ...options })
  }
}
