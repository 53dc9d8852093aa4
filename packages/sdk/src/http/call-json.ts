import { failure } from '@bulkhead/wire/errors'
import { errorFromBody } from './error-from-body.ts'
import type { HttpClient, HttpResponse } from './http-client.ts'
import { readAll } from './read-all.ts'

export interface JsonCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
}

/** Larger than any answer of the control API. */
const maxAnswerBytes = 64 * 1024 * 1024

/**
 * A call of the control API. The answer is not checked against its schema: the server is trusted, of the same release, and its schemas
 * (zod) would cost every start of a client more than the call itself. Fails with the server's error, `answer_invalid`, `server_unreachable`.
 */
export async function callJson<Answer>(http: HttpClient, call: JsonCall): Promise<Answer> {
  const response = await sendJson(http, call)
  if (response.status === 204) {
    await readAll(response.body, operationOf(call), 0)
    return undefined as Answer
  }
  return (await jsonOf(response, call)) as Answer
}

/** The head of an answer that is a success; its body is the caller's to read. */
export async function sendJson(http: HttpClient, call: JsonCall): Promise<HttpResponse> {
  const { method = 'GET', path, body, signal } = call
  const response = await http.send({
    method,
    path,
    signal,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: new TextEncoder().encode(JSON.stringify(body)),
    }),
  })
  if (response.status < 400) return response
  throw (
    errorFromBody(await jsonOf(response, call)) ??
    failure('answer_invalid', { operation: operationOf(call), problem: `status ${response.status} without a reason` })
  )
}

const operationOf = ({ method = 'GET', path }: JsonCall): string => `${method} ${path}`

async function jsonOf(response: HttpResponse, call: JsonCall): Promise<unknown> {
  const operation = operationOf(call)
  const bytes = await readAll(response.body, operation, maxAnswerBytes)
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    const problem = `status ${response.status} with a body that is not JSON`
    throw failure('answer_invalid', { operation, problem }, { cause })
  }
}
