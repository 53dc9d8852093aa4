import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import { failure } from '@bulkhead/wire/errors'
import { serverErrorIn } from '../http/error-from-body.ts'
import type { HttpClient, HttpResponse } from '../http/http-client.ts'
import { maxReplyBytes, readAll } from '../http/read-all.ts'
import { envelope, envelopes } from './envelopes.ts'
import { RpcError, rpcErrorFrom } from './rpc-error.ts'

export interface CallOptions {
  /** Who acts in the guest; absent: the sandbox's default user. */
  readonly user?: string | undefined
  /** Of the call; where the call starts a process, of the process. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const endOfStream = 0b10
const maxAnswerBytes = 64 * 1024 * 1024

/**
 * The client's half of the Connect protocol (connectrpc.com/docs/protocol), binary codec, for the two kinds of calls the SDK makes: unary
 * and server-streaming. Own code, because every `bulkhead run` pays for it: the library's client takes 70 ms to import and 30 more
 * for its use of `Headers`, half of what the whole command may take.
 */
export class RpcClient {
  readonly #http: HttpClient
  readonly #prefix: string

  /** `prefix`: the path that the guest's own paths stand below. */
  constructor(http: HttpClient, prefix: string) {
    this.#http = http
    this.#prefix = prefix
  }

  /** Fails with an `RpcError` of the guest, or an error of the server or the connection. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions = {}
  ): Promise<MessageShape<O>> {
    const body = toBinary(method.input, create(method.input, input))
    const response = await this.#send(method, 'application/proto', body, options)
    if (response.status !== 200) throw await errorOf(response, nameOf(method))
    return decode(method.output, await readAll(response.body, nameOf(method), maxAnswerBytes), nameOf(method))
  }

  /** Each message as it comes. What is not taken is not asked for. Leaving the loop ends the call. */
  async *serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions = {}
  ): AsyncGenerator<MessageShape<O>> {
    const operation = nameOf(method)
    const body = envelope(toBinary(method.input, create(method.input, input)))
    const response = await this.#send(method, 'application/connect+proto', body, options)
    if (response.status !== 200) throw await errorOf(response, operation)
    for await (const { flags, data } of envelopes(response.body, operation)) {
      if (flags === 0) {
        yield decode(method.output, data, operation)
      } else if (flags === endOfStream) {
        const end = parseJson(data)
        if (typeof end === 'object' && end !== null && 'error' in end) throw rpcErrorFrom(end.error)
        return
      } else {
        throw failure('answer_invalid', { operation, problem: `a message with flags ${flags}` })
      }
    }
    throw failure('connection_lost', { operation, reason: 'the stream has no end message' })
  }

  #send(
    method: DescMethodUnary | DescMethodServerStreaming,
    contentType: string,
    body: Uint8Array,
    { user, timeoutMs, signal }: CallOptions
  ): Promise<HttpResponse> {
    return this.#http.send({
      method: 'POST',
      path: `${this.#prefix}/${nameOf(method)}`,
      headers: {
        'content-type': contentType,
        'connect-protocol-version': '1',
        ...(user !== undefined && { authorization: `Basic ${basicUser(user)}` }),
        ...(timeoutMs !== undefined && { 'connect-timeout-ms': String(Math.ceil(timeoutMs)) }),
      },
      body,
      signal,
    })
  }
}

const nameOf = (method: DescMethodUnary | DescMethodServerStreaming): string =>
  `${method.parent.typeName}/${method.name}`

/** A user's name goes where HTTP has one; base64 of its UTF-8 and an empty password. */
function basicUser(user: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:`)))
}

function decode<O extends DescMessage>(schema: O, bytes: Uint8Array, operation: string): MessageShape<O> {
  try {
    return fromBinary(schema, bytes)
  } catch (cause) {
    throw failure('answer_invalid', { operation, problem: 'a message that cannot be decoded' }, { cause })
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    // Not JSON, not Connect: the caller reports it as an error without a code.
    return { error: {} }
  }
}

/** An error before the first message: of our server (an ErrorBody), or of the guest (Connect's form). */
async function errorOf(response: HttpResponse, operation: string): Promise<Error> {
  const value = parseJson(await readAll(response.body, operation, maxReplyBytes))
  const ours = serverErrorIn(response, value)
  if (ours) return ours
  const error = rpcErrorFrom(value)
  return error.code === 'unknown' ? new RpcError('unknown', `${operation}: status ${response.status}`) : error
}
