import { once } from 'node:events'
import { createServer, type IncomingMessage, request as open, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../controller/index.ts'
import { refusals } from './refusal.ts'
import { Router } from './router.ts'
import { loadRouterConfig } from './router-config.ts'
import type { KnownSandbox } from './target.ts'

let known: Map<string, KnownSandbox>
let wake: () => void
let onRequest: RequestListener
let sandbox: Server
let sandboxPort: number
let router: Router
let port: number

const start = async (env: NodeJS.ProcessEnv = {}) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  wake = resolve
  const config = loadRouterConfig({ ALLOW_UNAUTHENTICATED_ROUTER: 'true', ROUTER_LISTEN: '127.0.0.1:0', ...env })
  const directory = {
    find: (namespace: string, name: string) => known.get(`${namespace}/${name}`),
    changed: (_: string, __: string, signal: AbortSignal) =>
      Promise.race([promise, once(signal, 'abort')]).then(() => {}),
  }
  router = new Router({ config, directory, log: silentLogger, patienceMs: 500 })
  port = await router.listen()
}

beforeEach(async () => {
  known = new Map([['default/box', { addresses: ['127.0.0.1'] }]])
  onRequest = (_, response) => response.end('here')
  sandbox = createServer((incoming, response) => onRequest(incoming, response)).listen(0, '127.0.0.1')
  await once(sandbox, 'listening')
  sandboxPort = (sandbox.address() as AddressInfo).port
  await start()
})
afterEach(async () => {
  await router.close(0)
  sandbox.closeAllConnections()
  await once(sandbox.close(), 'close')
})

const toBox = () => ({ 'X-Sandbox-ID': 'box', 'X-Sandbox-Port': String(sandboxPort) })

interface CallOptions {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: string | Buffer
}
const begin = ({ method = 'GET', path = '/', headers = toBox() }: CallOptions = {}) =>
  open({ host: '127.0.0.1', port, method, path, headers, agent: false })
async function call(options: CallOptions = {}) {
  const outgoing = begin(options)
  outgoing.end(options.body)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  const body = Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>)).toString()
  return { status: answer.statusCode, headers: answer.headers, raw: answer.rawHeaders, body }
}
const refusedWith = ({ status, detail }: { status: number; detail: string }) => ({
  status,
  body: JSON.stringify({ detail }),
})

it('is cut when the Pod is taken out of service, and nothing else is', async () => {
  onRequest = (_, response) => response.write('begun')
  const outgoing = begin()
  outgoing.end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  router.cut(['127.0.0.2'])
  await once(answer, 'data')
  router.cut(['127.0.0.1'])
  await expect(Array.fromAsync(answer as AsyncIterable<Buffer>)).rejects.toThrow()
})

describe('what goes through', () => {
  it('the path as it was sent, method, query, headers and body; back come status, headers and body', async () => {
    const seen = Promise.withResolvers<unknown>()
    onRequest = async (incoming, response) => {
      const body = Buffer.concat(await Array.fromAsync(incoming as AsyncIterable<Buffer>)).toString()
      seen.resolve({ method: incoming.method, url: incoming.url, headers: incoming.headers, body })
      response.writeHead(302, 'Elsewhere', ['Location', 'http://127.0.0.1/', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'])
      response.end('moved')
    }
    const path = '/download/a%2Fb/../%2e%2e//c%20d?q=%2F&r=a+b'
    const headers = { ...toBox(), 'X-Request-ID': 'r-1', Authorization: 'Bearer mine', Cookie: 'c=1' }
    const answer = await call({ method: 'PUT', path, headers, body: 'data' })
    expect(await seen.promise).toEqual({
      method: 'PUT',
      url: path,
      body: 'data',
      headers: {
        host: `127.0.0.1:${sandboxPort}`,
        'content-length': '4',
        'x-request-id': 'r-1',
        cookie: 'c=1',
        connection: 'close',
      },
    })
    expect(answer).toMatchObject({ status: 302, body: 'moved', headers: { location: 'http://127.0.0.1/' } })
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2'])
  })

  it('a body of unknown length, whatever the method', async () => {
    onRequest = async (incoming, response) => {
      const body = Buffer.concat(await Array.fromAsync(incoming as AsyncIterable<Buffer>))
      response.end(`${incoming.headers['transfer-encoding']} ${body}`)
    }
    const outgoing = begin({ method: 'DELETE', headers: { ...toBox(), 'Transfer-Encoding': 'chunked' } })
    outgoing.write('a')
    outgoing.end('b')
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    expect(String((await Array.fromAsync(answer))[0])).toBe('chunked ab')
  })

  it('bytes as they come, both ways at once', async () => {
    onRequest = (incoming, response) => incoming.pipe(response)
    const outgoing = begin({ method: 'POST' })
    outgoing.write('one')
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    expect(String((await once(answer, 'data'))[0])).toBe('one')
    outgoing.write('two')
    expect(String((await once(answer, 'data'))[0])).toBe('two')
    outgoing.end()
    await once(answer, 'end')
  })

  it('the head of an answer at once, and an answer before the body was read', async () => {
    onRequest = ({ socket }) => {
      // As servers do that take care that their answer is read: the rest of the body is taken, and dropped.
      socket.end('HTTP/1.1 413 Too Much\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much')
      socket.resume()
    }
    const outgoing = begin({ method: 'POST', headers: { ...toBox(), 'Content-Length': String(64 << 20) } })
    outgoing.write(Buffer.alloc(1 << 20))
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    expect(answer.statusCode).toBe(413)
    expect(String((await Array.fromAsync(answer))[0])).toBe('too much')
    outgoing.on('error', () => {}).destroy()
  })

  it('no more than is read at the other end', async () => {
    let written = 0
    const stalled = Promise.withResolvers<void>()
    onRequest = (_, response) => {
      const chunk = Buffer.alloc(64 * 1024)
      while (written < 1024 ** 3) {
        written += chunk.length
        if (response.write(chunk)) continue
        stalled.resolve()
        response.once('drain', () => onRequest(_, response))
        return
      }
    }
    const outgoing = begin()
    outgoing.end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    await stalled.promise
    // Others are served meanwhile, each of which would be time enough for a gigabyte.
    for (let n = 0; n < 20; n += 1) expect((await call({ path: '/healthz' })).status).toBe(200)
    expect(written).toBeLessThan(64 * 1024 * 1024)
    answer.destroy()
  })
})

describe('who leaves ends it for the other', () => {
  it('a client that leaves: the sandbox sees its connection close', async () => {
    const seen = Promise.withResolvers<void>()
    const left = Promise.withResolvers<void>()
    onRequest = (_, response) => {
      seen.resolve()
      response.once('close', () => left.resolve())
    }
    const outgoing = begin().on('error', () => {})
    outgoing.end()
    await seen.promise
    outgoing.destroy()
    await left.promise
  })

  it.each(['chunked', 'of known length'])(
    'a sandbox that breaks off: the client’s answer, %s, is not whole',
    async (how) => {
      onRequest = (_, response) => {
        response.writeHead(200, how === 'chunked' ? {} : { 'content-length': '100' })
        response.write('half')
        setImmediate(() => response.destroy())
      }
      await expect(call()).rejects.toMatchObject({ code: 'ECONNRESET' })
    }
  )

  it('a sandbox that changes a protocol nobody asked it to, with or without naming one', async () => {
    for (const upgrade of ['Connection: Upgrade\r\nUpgrade: websocket\r\n', '']) {
      onRequest = ({ socket }) => void socket.write(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\n`)
      expect(await call()).toMatchObject(refusedWith(refusals.unreachable('box')))
    }
  })

  it('a sandbox that ends before it answers', async () => {
    onRequest = (incoming) => incoming.socket.destroy()
    expect(await call()).toMatchObject(refusedWith(refusals.unreachable('box')))
  })
})

describe('what is refused', () => {
  it('nobody listens there', async () => {
    const headers = { ...toBox(), 'X-Sandbox-Port': '1' }
    expect(await call({ headers })).toMatchObject(refusedWith(refusals.unreachable('box')))
  })

  it('a silent sandbox, after the time the client gives it', async () => {
    onRequest = () => {}
    const headers = { ...toBox(), 'X-Sandbox-Timeout': '0.2' }
    expect(await call({ headers })).toMatchObject(refusedWith(refusals.silent('box')))
    onRequest = (_, response) => response.write('half')
    await expect(call({ headers })).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('a slow one is not a silent one', async () => {
    onRequest = async (_, response) => {
      for (let n = 0; n < 6; n += 1) {
        response.write(String(n))
        await new Promise((done) => setTimeout(done, 100))
      }
      response.end()
    }
    expect(await call({ headers: { ...toBox(), 'X-Sandbox-Timeout': '0.4' } })).toMatchObject({ body: '012345' })
  })

  it('a sandbox that nobody knows, also by an address', async () => {
    expect(await call({ headers: { 'X-Sandbox-ID': 'other' } })).toMatchObject(
      refusedWith(refusals.unreachable('other'))
    )
    const headers = { 'X-Sandbox-ID': 'other', 'X-Sandbox-Pod-IP': '10.0.0.7' }
    expect(await call({ headers })).toMatchObject(refusedWith(refusals.addressInvalid))
  })

  it('but not one that becomes known in time', async () => {
    const headers = { ...toBox(), 'X-Sandbox-ID': 'late', 'X-Sandbox-Namespace': 'team' }
    const answer = call({ headers })
    known.set('team/late', { addresses: ['127.0.0.1'] })
    wake()
    expect(await answer).toMatchObject({ status: 200, body: 'here' })
  })

  it('a request that names no sandbox, and one that names a host', async () => {
    expect(await call({ headers: {} })).toMatchObject(refusedWith(refusals.idMissing))
    expect(await call({ path: 'http://127.0.0.1/' })).toMatchObject(refusedWith(refusals.pathInvalid))
  })

  it('who does not bear the token; health is told to all', async () => {
    await router.close(0)
    await start({ ROUTER_AUTH_TOKEN: 'secret' })
    const bearing = (authorization: string) => ({ headers: { ...toBox(), authorization } })
    expect(await call()).toMatchObject({
      ...refusedWith(refusals.unauthorized),
      headers: { 'www-authenticate': 'Bearer' },
    })
    for (const wrong of ['secret', 'Bearer secre', 'Bearer secret2', 'Basic secret', 'Bearer ']) {
      expect(await call(bearing(wrong))).toMatchObject(refusedWith(refusals.unauthorized))
    }
    expect(await call(bearing('bearer secret'))).toMatchObject({ status: 200 })
    expect(await call({ path: '/healthz', headers: {} })).toMatchObject({ status: 200, body: '{"status":"ok"}' })
  })
})

describe('a WebSocket', () => {
  const handshake = 'GET /ws%2Fpath HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n'
  const dial = async (extra = '') => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`${handshake}X-Sandbox-ID: box\r\nX-Sandbox-Port: ${sandboxPort}\r\n${extra}\r\nearly`)
    return socket
  }
  const read = async (socket: Socket, until: string) => {
    let text = ''
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      text += chunk
      if (text.endsWith(until)) break
    }
    return text
  }

  it('goes through, with what was sent early, until one side closes', async () => {
    const closed = Promise.withResolvers<void>()
    sandbox.on('upgrade', (incoming, socket, head) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Path: ${incoming.url}\r\n\r\n`
      )
      socket.write(`${incoming.headers['sec-websocket-key']} ${incoming.headers['x-sandbox-id']} ${head}`)
      socket.pipe(socket).once('close', () => closed.resolve())
    })
    const socket = await dial('Sec-WebSocket-Key: key\r\n')
    const text = await read(socket, 'early')
    expect(text).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Path: /ws%2Fpath\r\n\r\n' +
        'key undefined early'
    )
    socket.write('ping')
    expect(await read(socket, 'ping')).toBe('ping')
    socket.destroy()
    await closed.promise
  })

  it('that is refused ends with its answer, also for a client that does not end it', async () => {
    onRequest = (_, response) => response.writeHead(403, { 'content-length': '2' }).end('no')
    const socket = await dial()
    socket.allowHalfOpen = true
    await read(socket, 'no')
    const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve))
    // What comes for a connection that nobody has any more is answered with its end.
    const knocking = setInterval(() => socket.write('?'), 10)
    await closed
    clearInterval(knocking)
  })

  it('that the sandbox refuses gets the sandbox’s answer', async () => {
    onRequest = (_, response) => response.writeHead(403, { 'content-length': '2' }).end('no')
    expect(await read(await dial(), 'no')).toMatch(/^HTTP\/1.1 403 Forbidden\r\n/)
  })

  it('that the router refuses gets the router’s', async () => {
    await once(sandbox.close(), 'close')
    const text = await read(await dial(), '}')
    expect(text).toMatch(/^HTTP\/1.1 502 /)
    expect(text).toContain(refusals.unreachable('box').detail)
    sandbox.listen(sandboxPort, '127.0.0.1')
    await once(sandbox, 'listening')
  })

  it('is not what every offer to upgrade means', async () => {
    onRequest = (incoming, response) => response.end(String(incoming.headers.upgrade))
    const headers = { ...toBox(), Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABk' }
    expect(await call({ headers })).toMatchObject({ status: 200, body: 'undefined' })
  })
})

it('ends in time, also with a tunnel whose client reads nothing more', async () => {
  sandbox.on('upgrade', (_, far) => {
    far.on('error', () => {}).write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    far.write(Buffer.alloc(64 << 20))
  })
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  const wish = `X-Sandbox-ID: box\r\nX-Sandbox-Port: ${sandboxPort}`
  socket.write(`GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${wish}\r\n\r\n`)
  await once(socket, 'data')
  socket.pause()
  // Others are served meanwhile, until nothing fits in between any more.
  for (let n = 0; n < 20; n += 1) expect((await call({ path: '/healthz' })).status).toBe(200)
  await router.close(50)
  await start()
  socket.destroy()
})

it('ends in order: what is under way ends, what comes is not served', async () => {
  const asked = Promise.withResolvers<() => void>()
  onRequest = (_, response) => asked.resolve(() => response.end('done'))
  const answer = call()
  const finish = await asked.promise
  const closed = router.close(60_000)
  await expect(call()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  finish()
  expect(await answer).toMatchObject({ body: 'done' })
  await closed
  await start()
})
