import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import path from 'node:path'
import { failure } from '@bulkhead/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type GuestHandler, type GuestPeer, startGuestPeer } from '../testing/guest-peer.ts'
import { accessToken } from '../testing/test-backend.ts'
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

const echo: GuestHandler = (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' })
  stream.pipe(stream)
}
const logged = () => server.log.filter(({ message }) => message === 'guest.call')

describe('what goes through', () => {
  it('method, path, query, body and headers reach the guest; its answer reaches the client', async () => {
    const seen = Promise.withResolvers<[unknown, string]>()
    onCall = async (stream, headers) => {
      const body = Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString()
      seen.resolve([headers, body])
      stream.respond({ ':status': 201, 'content-type': 'application/x', 'content-length': 2 })
      stream.end('ok')
    }
    const answer = await server.call(`${prefix}/files?path=%2Fa%20b`, {
      method: 'POST',
      headers: { 'content-type': 'application/y', 'x-metadata-a': 'b' },
      body: 'data',
    })
    expect(answer).toMatchObject({ status: 201, headers: { 'content-type': 'application/x', 'content-length': '2' } })
    expect(answer.body.toString()).toBe('ok')
    const [headers, body] = await seen.promise
    expect(headers).toMatchObject({
      ':method': 'POST',
      ':path': '/files?path=%2Fa%20b',
      'content-type': 'application/y',
      'content-length': '4',
      'x-metadata-a': 'b',
      'x-access-token': accessToken,
    })
    expect(body).toBe('data')
  })

  it('the host’s token, never what the client sends in its place, nor headers of the hop or of the client alone', async () => {
    const seen = Promise.withResolvers<Record<string, unknown>>()
    onCall = (stream, headers) => {
      seen.resolve(headers)
      stream.respond({ ':status': 204 }, { endStream: true })
    }
    await server.raw(
      `GET ${prefix}/health HTTP/1.1\r\nHost: h\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-Access-Token: mine\r\n` +
        'X-Bulkhead-Key: mine\r\nCookie: session=1\r\nTE: trailers\r\nProxy-Authorization: p\r\nKeep-Alive: 1\r\nX-Kept: 1\r\n\r\n'
    )
    const headers = await seen.promise
    expect(headers).toMatchObject({ 'x-access-token': accessToken, 'x-kept': '1' })
    expect(
      Object.keys(headers)
        .filter((name) => !name.startsWith(':'))
        .sort()
    ).toEqual(['x-access-token', 'x-kept'])
  })

  it('both directions at once, byte for byte', async () => {
    onCall = echo
    const call = server.open(`${prefix}/process.Process/StreamInput`, { method: 'POST' })
    const sent = Array.from({ length: 200 }, (_, n) => Buffer.alloc(1000 * n, n))
    for (const chunk of sent) call.write(chunk)
    const [response] = (await once(call, 'response')) as [IncomingMessage]
    call.end()
    const got = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>))
    expect(got.equals(Buffer.concat(sent))).toBe(true)
  })

  it('the head of an answer at once, though its body takes its time', async () => {
    const open = Promise.withResolvers<ServerHttp2Stream>()
    onCall = (stream) => {
      stream.respond({ ':status': 200 })
      open.resolve(stream)
    }
    const call = server.open(`${prefix}/process.Process/Start`)
    call.end()
    const [response] = (await once(call, 'response')) as [IncomingMessage]
    const stream = await open.promise
    stream.write('later')
    expect((await once(response, 'data')).toString()).toBe('later')
    stream.end()
    await once(response, 'end')
  })

  it('an answer before the body was read, with the body still coming', async () => {
    onCall = (stream) => {
      stream.respond({ ':status': 413, 'content-type': 'text/plain' })
      stream.end('too much')
      stream.close(constants.NGHTTP2_NO_ERROR)
    }
    const answer = await server.call(`${prefix}/files`, { method: 'POST', body: Buffer.alloc(8 * 1024 * 1024) })
    expect(answer).toMatchObject({ status: 413 })
    expect(answer.body.toString()).toBe('too much')
  })

  it('a HEAD with the length of what it does not send', async () => {
    onCall = (stream) => stream.respond({ ':status': 200, 'content-length': 1000 }, { endStream: true })
    const answer = await server.call(`${prefix}/files`, { method: 'HEAD' })
    expect(answer).toMatchObject({ status: 200, headers: { 'content-length': '1000' } })
  })
})

describe('back-pressure', () => {
  it('a client that does not read stops its guest stream, and no other', async () => {
    let written = 0
    onCall = (stream, headers) => {
      if (headers[':path'] === '/health') {
        stream.respond({ ':status': 204 }, { endStream: true })
        return
      }
      stream.respond({ ':status': 200 })
      const chunk = Buffer.alloc(64 * 1024)
      const push = () => {
        while (!stream.destroyed && written < 1024 ** 3) {
          written += chunk.byteLength
          if (!stream.write(chunk)) return
        }
      }
      stream.on('drain', push)
      push()
    }
    const call = server.open(`${prefix}/files`)
    call.end()
    const [response] = (await once(call, 'response')) as [IncomingMessage]
    for (let n = 0; n < 20; n += 1) expect((await server.call(`${prefix}/health`)).status).toBe(204)
    expect(written).toBeLessThan(8 * 1024 * 1024)
    response.destroy()
  })

  it('a guest that does not read stops its client', async () => {
    const stuck = Promise.withResolvers<ServerHttp2Stream>()
    onCall = (stream) => stuck.resolve(stream)
    const call = server.open(`${prefix}/files`, { method: 'POST' })
    let sent = 0
    const chunk = Buffer.alloc(256 * 1024)
    while (sent < 256 * 1024 * 1024) {
      sent += chunk.byteLength
      if (!call.write(chunk)) {
        const drained = await Promise.race([once(call, 'drain'), new Promise((resolve) => setTimeout(resolve, 300))])
        if (!drained) break
      }
    }
    await stuck.promise
    expect(sent).toBeLessThan(16 * 1024 * 1024)
    call.destroy()
  })
})

describe('a client that leaves', () => {
  it('resets the guest’s stream with CANCEL', async () => {
    const open = Promise.withResolvers<ServerHttp2Stream>()
    onCall = (stream) => {
      stream.respond({ ':status': 200 })
      open.resolve(stream)
    }
    const call = server.open(`${prefix}/process.Process/Start`)
    call.end()
    await once(call, 'response')
    const stream = await open.promise
    call.destroy()
    await once(stream, 'close')
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL)
    await expect.poll(logged).toMatchObject([{ outcome: 'client_left', level: 'debug' }])
  })

  it('in the middle of an upload does not make it look whole', async () => {
    const open = Promise.withResolvers<ServerHttp2Stream>()
    let ended = false
    onCall = (stream) => {
      stream.on('data', () => open.resolve(stream))
      stream.on('end', () => {
        ended = !stream.aborted
      })
    }
    const call = server.open(`${prefix}/files`, { method: 'POST' })
    call.write(Buffer.alloc(100_000))
    const stream = await open.promise
    call.destroy()
    await once(stream, 'close')
    expect({ ended, aborted: stream.aborted, code: stream.rstCode }).toEqual({
      ended: false,
      aborted: true,
      code: constants.NGHTTP2_CANCEL,
    })
  })

  it('before there is a session opens no stream', async () => {
    const waiting = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    let calls = 0
    onCall = () => {
      calls += 1
    }
    server.backend.connect = async () => {
      waiting.resolve()
      await go.promise
      return guest.session()
    }
    const call = server.open(`${prefix}/health`)
    call.end()
    await waiting.promise
    call.destroy()
    await expect.poll(logged).toMatchObject([{ outcome: 'client_left' }])
    go.resolve()
    server.backend.connect = () => guest.session()
    onCall = (stream) => stream.respond({ ':status': 204 }, { endStream: true })
    expect((await server.call(`${prefix}/health`)).status).toBe(204)
    expect(calls).toBe(0)
  })
})

describe('a guest that fails', () => {
  it.each([
    ['sandbox_not_running', 409, () => server.backend.add({ state: 'failed' }).id],
    ['sandbox_not_found', 404, () => 'sb-unknown'],
  ])('%s', async (code, status, id) => {
    const answer = await server.call(`/v1/sandboxes/${id()}/guest/health`)
    expect(answer.status).toBe(status)
    expect(errorOf(answer).code).toBe(code)
  })

  it('unreachable: the backend’s error', async () => {
    server.backend.connect = async (id) => {
      throw failure('guest_unreachable', { id, reason: 'test' })
    }
    expect(errorOf(await server.call(`${prefix}/health`))).toMatchObject({ code: 'guest_unreachable', status: 502 })
  })

  it('before its head: guest_unreachable with the HTTP/2 code', async () => {
    onCall = (stream) => stream.destroy(new Error('broken'))
    const answer = await server.call(`${prefix}/health`)
    expect(errorOf(answer)).toMatchObject({
      code: 'guest_unreachable',
      message: expect.stringContaining('INTERNAL_ERROR'),
    })
  })

  it('after its head: the connection is cut, the answer is not whole', async () => {
    onCall = (stream) => {
      stream.respond({ ':status': 200 })
      stream.write('half')
      setTimeout(() => stream.destroy(new Error('broken')), 20)
    }
    await expect(server.call(`${prefix}/files`)).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect.poll(logged).toMatchObject([{ outcome: 'cut_short', level: 'warn' }])
  })

  it('with its whole session: open answers are cut, the next call gets a new session', async () => {
    onCall = (stream, headers) => {
      stream.respond(
        { ':status': headers[':path'] === '/health' ? 204 : 200 },
        { endStream: headers[':path'] === '/health' }
      )
      if (headers[':path'] !== '/health') stream.write('half')
    }
    const call = server.open(`${prefix}/files`)
    call.end()
    const [response] = (await once(call, 'response')) as [IncomingMessage]
    const cut = once(response, 'error')
    ;(await guest.session()).destroy()
    response.resume()
    await cut
    expect((await server.call(`${prefix}/health`)).status).toBe(204)
    expect(guest.sessions).toBe(2)
  })

  it('a session that ended between being handed out and being used is asked for once more', async () => {
    const dead = await guest.session()
    dead.destroy()
    let handed = 0
    server.backend.connect = async () => {
      handed += 1
      return handed === 1 ? dead : guest.session()
    }
    expect((await server.call(`${prefix}/files`, { method: 'POST', body: 'x' })).status).toBe(204)
    server.backend.connect = async () => dead
    server.backend.channelCalls = 0
    expect(errorOf(await server.call(`${prefix}/health`))).toMatchObject({ code: 'guest_unreachable' })
    expect(server.backend.channelCalls).toBe(2)
  })

  it('a call the guest did not accept is tried again when it had no body', async () => {
    let refused = 0
    onCall = (stream) => {
      if (refused++ === 0) stream.close(constants.NGHTTP2_REFUSED_STREAM)
      else stream.respond({ ':status': 204 }, { endStream: true })
    }
    expect((await server.call(`${prefix}/health`)).status).toBe(204)
    refused = 0
    expect((await server.call(`${prefix}/files`, { method: 'POST', body: 'x' })).status).toBe(502)
  })
})

it('more calls than the guest takes at once are refused instead of kept waiting', async () => {
  const open: ServerHttp2Stream[] = []
  await using small = await startGuestPeer(
    await mkdtemp(path.join(server.folder, 'small-')),
    (stream) => {
      open.push(stream)
      stream.respond({ ':status': 200 })
      stream.write('x')
    },
    { maxConcurrentStreams: 2 }
  )
  server.backend.connect = () => small.session()
  const calls = [server.open(`${prefix}/a`), server.open(`${prefix}/b`)]
  for (const call of calls) call.end()
  const begun = (await Promise.all(calls.map((call) => once(call, 'response')))) as [IncomingMessage][]
  for (const [response] of begun) response.resume()
  expect(errorOf(await server.call(`${prefix}/c`))).toMatchObject({ code: 'guest_busy', facts: { limit: 2 } })
  for (const stream of open.splice(0)) stream.end()
  await expect.poll(() => logged().length).toBe(3)
  const again = server.open(`${prefix}/d`)
  again.end()
  const [response] = (await once(again, 'response')) as [IncomingMessage]
  expect(response.statusCode).toBe(200)
  again.destroy()
})

it('a path that may not be reached gets 404 and does not reach the guest', async () => {
  let calls = 0
  onCall = () => {
    calls += 1
  }
  for (const rest of [
    '/bulkhead.guest.v1.Guest/PowerOff',
    '/x/../bulkhead.guest.v1.Guest/PowerOff',
    '/%62ulkhead.guest.v1.Guest/PowerOff',
  ])
    expect(errorOf(await server.call(prefix + rest, { method: 'POST', body: '{}' }))).toMatchObject({
      code: 'route_not_found',
    })
  expect({ calls, channels: server.backend.channelCalls }).toEqual({ calls: 0, channels: 0 })
})

it('the log tells bytes and outcome of a call, and no query', async () => {
  onCall = echo
  await server.call(`${prefix}/files?path=/secret-name`, { method: 'POST', body: '12345' })
  await expect
    .poll(logged)
    .toMatchObject([
      { level: 'debug', outcome: 'ok', route: '/files', method: 'POST', status: 200, bytesIn: 5, bytesOut: 5 },
    ])
  expect(JSON.stringify(server.log)).not.toMatch(/secret-name|the-token/)
})
