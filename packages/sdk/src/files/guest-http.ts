import { failure } from '@bulkhead/wire/errors'
import { serverErrorIn } from '../http/error-from-body.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../http/http-client.ts'
import { maxReplyBytes, readAll } from '../http/read-all.ts'

/** Connect's names for the statuses in which the agent's plain HTTP routes answer. */
const codes: Readonly<Record<number, string>> = {
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  409: 'failed_precondition',
  416: 'out_of_range',
  503: 'resource_exhausted',
  507: 'resource_exhausted',
}

/** Plain HTTP routes of the guest's agent. Fails `guest_call_failed` with the agent's reason, or the server's error. */
export class GuestHttp {
  readonly #http: HttpClient
  readonly #prefix: string

  constructor(http: HttpClient, prefix: string) {
    this.#http = http
    this.#prefix = prefix
  }

  async send(
    operation: string,
    {
      route,
      query,
      ...request
    }: Omit<HttpRequest, 'path'> & { route: string; query: Record<string, string | undefined> }
  ): Promise<HttpResponse> {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const path = `${this.#prefix}${route}?${new URLSearchParams(given)}`
    const response = await this.#http.send({ ...request, path })
    if (response.status < 400) return response
    throw await refusal(response, operation)
  }
}

async function refusal(response: HttpResponse, operation: string): Promise<Error> {
  const text = new TextDecoder().decode(await readAll(response.body, operation, maxReplyBytes))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = { message: text }
  }
  const ours = serverErrorIn(response, value)
  if (ours) return ours
  const { message } = (typeof value === 'object' && value !== null ? value : {}) as { message?: unknown }
  return failure('guest_call_failed', {
    operation,
    rpcCode: codes[response.status] ?? `status_${response.status}`,
    detail: typeof message === 'string' ? message.slice(0, 4096) : '',
  })
}
