import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { type ProcessEventSchema, StartResponseSchema } from '@bulkhead/wire/process'
import type { HttpClient, HttpRequest, HttpResponse } from '../http/http-client.ts'
import { envelope } from '../rpc/envelopes.ts'
import { RpcClient } from '../rpc/rpc-client.ts'

type Event = MessageInitShape<typeof ProcessEventSchema>['event']

/** A guest that says what a test wants, and is silent otherwise. */
export class FakeGuest {
  /** Whether it answers calls other than the one that it streams events in. */
  answers = true
  /** Names of the calls that came, like `SendSignal`. */
  readonly calls: string[] = []
  readonly rpc: RpcClient
  /** The call that events stream in was ended by us. */
  left = false
  #chunks: Uint8Array[] = []
  #arrived: (() => void) | undefined

  constructor() {
    const http: HttpClient = { address: 'test', close: () => {}, send: (request) => this.#send(request) }
    this.rpc = new RpcClient(http, '')
  }

  say(...events: Event[]): void {
    this.#chunks.push(Buffer.concat(events.map((event) => messageOf(event))))
    this.#arrived?.()
  }

  async #send({ path, signal }: HttpRequest): Promise<HttpResponse> {
    const call = path.slice(path.lastIndexOf('/') + 1)
    this.calls.push(call)
    if (call !== 'Start' && call !== 'Connect' && !this.answers) await aborted(signal)
    const body = call === 'Start' || call === 'Connect' ? this.#events(signal) : nothing()
    return { status: 200, header: () => undefined, trailer: () => undefined, body }
  }

  async *#events(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const gone = aborted(signal)
    gone.catch(() => {
      this.left = true
    })
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk) yield chunk
      else await Promise.race([gone, new Promise<void>((resolve) => (this.#arrived = resolve))])
    }
  }
}

export const messageOf = (event: Event): Uint8Array =>
  envelope(toBinary(StartResponseSchema, create(StartResponseSchema, { event: { event: event as never } })))

/** As of a transport: an abort is all that ends it. */
const aborted = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason))
  })

async function* nothing(): AsyncGenerator<Uint8Array> {}

export const started: Event = { case: 'start', value: { pid: 7 } }
export const printed = (text: string | Uint8Array): Event => ({
  case: 'data',
  value: { output: { case: 'stdout', value: typeof text === 'string' ? Buffer.from(text) : text } },
})
export const exited = (exitCode: number): Event => ({ case: 'end', value: { exited: true, exitCode } })
