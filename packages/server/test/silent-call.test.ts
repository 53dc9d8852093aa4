import { once } from 'node:events'
import type { ClientHttp2Session } from 'node:http2'
import net from 'node:net'
import { routes } from '@bulkhead/wire'
import { expect, it } from 'vitest'
import { TestBackend } from '../src/testing/test-backend.ts'
import { TestServer } from '../src/testing/test-server.ts'
import { startAgent } from './agent.ts'

/** Each of them is some seconds or minutes in the product: an hour of silence is as many times the longest of them as is waited here. */
const shortMs = 100
const times = 5

// Node adds a second of its own to the time of a connection without a request: that is the longest of them here.

/** Waits until the server has ended that many connections that said nothing, one after the other: its own limits are the clock. */
async function idleConnectionsEnd(server: TestServer, first: string): Promise<void> {
  for (let turn = 0; turn < times; turn++) {
    const socket = net.connect(server.socketPath)
    socket.on('error', () => {})
    socket.resume()
    const closed = once(socket, 'close')
    socket.write(first)
    await closed
  }
}

const wholeRequest = 'GET /v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n'
const halfRequest = 'GET /v1/health HTTP/1.1\r\n'

/** Waits until the agent has asked the host so often for a sign of life. */
function asked(session: ClientHttp2Session): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let pings = 0
  session.on('ping', () => {
    pings += 1
    if (pings === times) resolve()
  })
  return promise
}

it('a call that is silent for many times every limit goes on, and its output arrives', async () => {
  const idle = Promise.withResolvers<void>()
  let over = false
  const onIdle = () => {
    over = true
    idle.resolve()
  }
  const backend = new TestBackend()
  // Until the call is there, the server is not to be idle for want of it.
  backend.busyCount = 1
  const limits = { headersMs: shortMs, keepAliveMs: shortMs, checkEveryMs: shortMs / 4 }
  await using server = await TestServer.start({ limits, idle: { afterMs: shortMs, onIdle } }, backend)
  await using agent = await startAgent(server.folder, [
    '--ask-after',
    `${shortMs}ms`,
    '--answer-within',
    `${shortMs}ms`,
  ])
  server.backend.connect = () => agent.session()
  const prefix = routes.guest(server.backend.add().id)
  const session = await agent.session()
  let ended = false
  session.once('close', () => {
    ended = true
  })
  const pings = asked(session)

  const start = {
    process: { cmd: '/bin/sh', args: ['-c', 'read line; echo "heard $line"'], cwd: '/' },
    stdin: true,
    tag: 's',
  }
  const headers = { authorization: `Basic ${btoa('root:')}` }
  const call = server.open(`${prefix}/process.Process/Start`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/connect+json' },
  })
  call.end(frame(start))
  const [response] = await once(call, 'response')
  backend.busyCount = 0
  let output = Buffer.alloc(0)
  const finished = (async () => {
    for await (const chunk of response) output = Buffer.concat([output, chunk])
  })()

  // That it fails is told by who waits for it.
  finished.catch(() => {})

  // Nothing passes through the call meanwhile, and each of the limits takes effect on others.
  await Promise.all([idleConnectionsEnd(server, wholeRequest), idleConnectionsEnd(server, halfRequest), pings])
  expect({ ended, over, output: output.includes('"data"') }).toEqual({ ended: false, over: false, output: false })

  const input = { process: { tag: 's' }, input: { stdin: Buffer.from('you\n').toString('base64') } }
  const sent = await server.call(`${prefix}/process.Process/SendInput`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
  expect(sent.status, sent.body.toString()).toBe(200)
  await finished
  expect(output.toString()).toContain(Buffer.from('heard you\n').toString('base64'))
  expect(await agent.session()).toBe(session)
  // It was for the open call alone that the server was not idle.
  await idle.promise
})

/** A message of a stream of Connect. */
function frame(message: unknown): Buffer {
  const data = Buffer.from(JSON.stringify(message))
  const head = Buffer.alloc(5)
  head.writeUInt32BE(data.byteLength, 1)
  return Buffer.concat([head, data])
}
