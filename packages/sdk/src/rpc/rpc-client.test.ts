import { create, toBinary } from '@bufbuild/protobuf'
import { Process, StartResponseSchema } from '@bulkhead/wire/process'
import { errorHeader } from '@bulkhead/wire/routes'
import { describe, expect, it } from 'vitest'
import type { HttpClient, HttpRequest } from '../http/http-client.ts'
import { envelope } from './envelopes.ts'
import { RpcClient } from './rpc-client.ts'

/** What a guest may answer, byte for byte; the transport itself has tests of its own. */
function answering(
  status: number,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {}
): { rpc: RpcClient; sent: HttpRequest[] } {
  const sent: HttpRequest[] = []
  const http: HttpClient = {
    address: 'test',
    close: () => {},
    async send(request) {
      sent.push(request)
      async function* bytes() {
        yield typeof body === 'string' ? new TextEncoder().encode(body) : body
      }
      return { status, header: (name) => headers[name], trailer: () => undefined, body: bytes() }
    },
  }
  return { rpc: new RpcClient(http, '/prefix'), sent }
}

const follow = (rpc: RpcClient) => Array.fromAsync(rpc.serverStream(Process.method.start, {}))
const end = (json: string): Uint8Array => {
  const whole = envelope(new TextEncoder().encode(json))
  whole[0] = 2
  return whole
}
const started = envelope(
  toBinary(StartResponseSchema, create(StartResponseSchema, { event: { event: { case: 'start', value: { pid: 7 } } } }))
)

describe('a stream', () => {
  it('ends with its end message', async () => {
    const { rpc } = answering(200, Buffer.concat([started, end('{}')]))
    expect(await follow(rpc)).toMatchObject([{ event: { event: { case: 'start', value: { pid: 7 } } } }])
  })
  it.each([
    ['no end message', started, 'connection_lost'],
    ['an error at its end', end('{"error":{"code":"not_found","message":"m"}}'), 'not_found'],
    ['an end that is no JSON', end('{'), 'unknown'],
    ['an end of another shape', end('{"error":[1]}'), 'unknown'],
    ['a message that cannot be decoded', envelope(new Uint8Array([0xff, 0xff])), 'answer_invalid'],
    ['compression nobody asked for', new Uint8Array([1, 0, 0, 0, 0]), 'answer_invalid'],
    ['half a message', started.subarray(0, 6), 'answer_invalid'],
  ])('with %s fails', async (_, body, code) => {
    await expect(follow(answering(200, body).rpc)).rejects.toMatchObject({ code })
  })
})

describe('a call', () => {
  it.each([
    [404, '{"code":"not_found","message":"m"}', { name: 'RpcError', code: 'not_found', message: 'm' }],
    [500, '<html>', { name: 'RpcError', code: 'unknown' }],
    [200, '\u00ff\u00ff', { name: 'BulkheadError', code: 'answer_invalid' }],
  ])('answered with %i %j fails with it', async (status, body, error) => {
    await expect(answering(status, body).rpc.unary(Process.method.list, {})).rejects.toMatchObject(error)
  })

  const ours = '{"code":"guest_unreachable","status":502,"message":"m","next":"n","facts":{}}'
  it('answered by the server fails with its error', async () => {
    const { rpc } = answering(502, ours, { [errorHeader]: 'guest_unreachable' })
    await expect(rpc.unary(Process.method.list, {})).rejects.toMatchObject({
      name: 'BulkheadError',
      code: 'guest_unreachable',
      next: 'n',
    })
  })
  it('answered by a guest that speaks as the server fails as the guest’s', async () => {
    await expect(answering(502, ours).rpc.unary(Process.method.list, {})).rejects.toMatchObject({ name: 'RpcError' })
  })

  it('says who acts and for how long', async () => {
    const { rpc, sent } = answering(200, '')
    await rpc.unary(Process.method.list, {}, { user: 'jörg', timeoutMs: 12.3 })
    expect(sent[0]).toMatchObject({
      path: '/prefix/process.Process/List',
      headers: {
        authorization: `Basic ${Buffer.from('jörg:').toString('base64')}`,
        'connect-timeout-ms': '13',
        'content-type': 'application/proto',
      },
    })
  })
})
