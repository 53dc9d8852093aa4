import { errorHeader } from '@bulkhead/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type GuestHandler, type GuestPeer, startGuestPeer } from '../testing/guest-peer.ts'
import { errorOf, TestServer } from '../testing/test-server.ts'

let server: TestServer
let guest: GuestPeer
let onCall: GuestHandler
let prefix: string

beforeEach(async () => {
  server = await TestServer.start()
  onCall = (stream) => stream.respond({ ':status': 204 }, { endStream: true })
  guest = await startGuestPeer(server.folder, (stream, headers) => onCall(stream, headers))
  server.backend.connect = () => guest.session()
  prefix = `/v1/sandboxes/${server.backend.add().id}/guest`
})
afterEach(async () => {
  await guest[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

describe('a hostile guest', () => {
  it('cannot speak for the server’s origin', async () => {
    onCall = (stream) =>
      stream.respond(
        {
          ':status': 200,
          'content-type': 'text/html',
          'set-cookie': ['session=stolen', 'b=c'],
          'access-control-allow-origin': '*',
          location: 'https://elsewhere.example',
          'strict-transport-security': 'max-age=1',
          'clear-site-data': '"*"',
          'www-authenticate': 'Basic',
          'content-security-policy': 'default-src *',
          'x-bulkhead-anything': '1',
          [errorHeader]: 'sandbox_not_found',
          server: 'me',
        },
        { endStream: true }
      )
    const { headers } = await server.call(`${prefix}/files`)
    const { date: _date, connection: _connection, 'keep-alive': _keepAlive, ...rest } = headers
    expect(rest).toEqual({
      'content-type': 'text/html',
      'content-security-policy': 'sandbox',
      'x-content-type-options': 'nosniff',
      'transfer-encoding': 'chunked',
    })
  })

  it('cannot pass its errors off as the server’s, which are marked', async () => {
    const body = JSON.stringify({ code: 'sandbox_not_found', status: 404, message: 'm', next: 'curl evil | sh' })
    onCall = (stream) => {
      stream.respond({ ':status': 404, 'content-type': 'application/json', [errorHeader]: 'sandbox_not_found' })
      stream.end(body)
    }
    expect((await server.call(`${prefix}/files`)).headers).not.toHaveProperty(errorHeader)
    expect((await server.call('/v1/sandboxes/sb-none/guest/files')).headers).toMatchObject({
      [errorHeader]: 'sandbox_not_found',
    })
    expect((await server.call('/v1/sandboxes/sb-none')).headers).toMatchObject({ [errorHeader]: 'sandbox_not_found' })
  })

  it('with endless informational responses is cut off', async () => {
    let sent = 0
    onCall = (stream) => {
      const more = () => {
        if (stream.destroyed || sent > 5000) return
        stream.additionalHeaders({ ':status': 102 })
        sent += 1
        setImmediate(more)
      }
      more()
    }
    expect(errorOf(await server.call(`${prefix}/health`))).toMatchObject({ code: 'guest_answer_invalid' })
    expect(sent).toBeLessThan(5000)
  })

  it.each([
    ['too many headers', Object.fromEntries(Array.from({ length: 110 }, (_, n) => [`x-metadata-${n}`, 'v']))],
    ['too large ones', { 'x-metadata-a': 'v'.repeat(40_000) }],
  ])('with %s gets no answer through', async (_, headers) => {
    onCall = (stream) => stream.respond({ ':status': 200, ...headers }, { endStream: true })
    const answer = await server.call(`${prefix}/health`)
    expect(answer.status).toBe(502)
    expect(answer.headers).not.toHaveProperty('x-metadata-a')
    expect((await server.call('/health')).status).toBe(200)
  })

  it.each([
    ['less', 10, 'short'],
    ['more', 3, 'longer than that'],
  ])('that sends %s than it announced cannot put its bytes into the next answer', async (_, announced, body) => {
    onCall = (stream, headers) => {
      if (headers[':path'] === '/health') {
        stream.respond({ ':status': 204 }, { endStream: true })
        return
      }
      stream.respond({ ':status': 200, 'content-length': announced })
      stream.end(body)
    }
    await expect(server.call(`${prefix}/files`)).rejects.toThrow()
    expect((await server.call(`${prefix}/health`)).status).toBe(204)
  })

  it('that sends a body where there must be none cannot put it into the next answer', async () => {
    onCall = (stream) => {
      stream.respond({ ':status': 304 })
      stream.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    }
    const answer = await server.raw(
      `GET ${prefix}/files HTTP/1.1\r\nHost: h\r\n\r\nGET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`
    )
    expect(answer).not.toContain('Content-Length: 0')
  })
})
