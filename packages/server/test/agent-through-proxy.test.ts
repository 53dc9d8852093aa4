import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, open, writeFile } from 'node:fs/promises'
import type { ClientRequest, IncomingMessage } from 'node:http'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { routes } from '@bulkhead/wire'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { errorOf, TestServer } from '../src/testing/test-server.ts'
import { type AgentProcess, startAgent } from './agent.ts'

const GiB = 1024 ** 3
const MiB = 1024 ** 2

let server: TestServer
let agent: AgentProcess
let prefix: string
let files: string

beforeEach(async () => {
  server = await TestServer.start()
  agent = await startAgent(server.folder)
  server.backend.connect = () => agent.session()
  prefix = routes.guest(server.backend.add().id)
  files = path.join(server.folder, 'files')
  await mkdir(files)
})
afterEach(async () => {
  await agent[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const fileRoute = (name: string) =>
  `${prefix}/files?${new URLSearchParams({ path: path.join(files, name), username: 'root' })}`

async function sparseFile(name: string, bytes: number): Promise<void> {
  const file = await open(path.join(files, name), 'w')
  await file.truncate(bytes)
  await file.close()
}

async function begin(call: ClientRequest): Promise<IncomingMessage> {
  call.end()
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  return response
}

/** A call of Connect in JSON, its stream as an array of messages. */
function frame(message: unknown): Buffer {
  const data = Buffer.from(JSON.stringify(message))
  const head = Buffer.alloc(5)
  head.writeUInt32BE(data.byteLength, 1)
  return Buffer.concat([head, data])
}
const rpc = (method: string, message: unknown) =>
  server.call(`${prefix}/process.Process/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Basic ${btoa('root:')}` },
    body: JSON.stringify(message),
  })
function startCommand(script: string, tag: string): ClientRequest {
  const call = server.open(`${prefix}/process.Process/Start`, {
    method: 'POST',
    headers: { 'content-type': 'application/connect+json', authorization: `Basic ${btoa('root:')}` },
  })
  call.write(frame({ process: { cmd: '/bin/sh', args: ['-c', script], cwd: '/' }, tag }))
  return call
}

it('1 GiB to a reader that is slower than the guest passes whole, in bounded memory', async () => {
  await sparseFile('big', GiB)
  const before = process.memoryUsage().rss
  const response = await begin(server.open(fileRoute('big')))
  expect(response.statusCode).toBe(200)
  let bytes = 0
  let peak = 0
  for await (const chunk of response) {
    bytes += (chunk as Buffer).byteLength
    peak = Math.max(peak, process.memoryUsage.rss())
    // Slower than the sender, without waiting for a clock: others get their turn after every chunk.
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(bytes).toBe(GiB)
  expect(peak - before).toBeLessThan(200 * MiB)
})

it('forty readers that stopped reading block nobody else', async () => {
  await sparseFile('big', GiB)
  await writeFile(path.join(files, 'small'), 'small')
  const stopped = await Promise.all(Array.from({ length: 40 }, () => begin(server.open(fileRoute('big')))))
  for (const response of stopped) await once(response, 'readable')
  for (let n = 0; n < 50; n += 1) expect((await server.call(fileRoute('small'))).body.toString()).toBe('small')
  for (const response of stopped) response.destroy()
})

it('a large file goes in and out unchanged', async () => {
  const source = path.join(server.folder, 'source')
  const content = randomBytes(64 * MiB)
  await writeFile(source, content)
  const upload = server.open(fileRoute('copy'), {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
  })
  const answered = once(upload, 'response') as Promise<[IncomingMessage]>
  await pipeline(createReadStream(source), upload)
  const [response] = await answered
  expect(response.statusCode).toBe(200)
  await Array.fromAsync(response as AsyncIterable<Buffer>)
  const digest = createHash('sha256')
  for await (const chunk of await begin(server.open(fileRoute('copy')))) digest.update(chunk as Buffer)
  expect(digest.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'))
})

it('an upload whose client leaves ends in the guest as one that failed', async () => {
  const upload = server.open(fileRoute('part'), {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
  })
  upload.write(Buffer.alloc(4 * MiB))
  const openCalls = async () => (await server.call(routes.metrics)).body.toString()
  await expect.poll(openCalls).toContain('bulkhead_guest_calls_open 1')
  upload.destroy()
  await expect.poll(() => server.log.at(-1)).toMatchObject({ message: 'guest.call', outcome: 'client_left' })
  expect((await server.call(`${prefix}/health`)).status).toBe(204)
})

it('a process lives on when its client leaves, and is found again', async () => {
  const call = startCommand('sleep 300', 'kept')
  const response = await begin(call)
  await once(response, 'data')
  response.destroy()
  await expect.poll(() => server.log.at(-1)).toMatchObject({ outcome: 'client_left' })
  const { processes } = JSON.parse((await rpc('List', {})).body.toString())
  expect(processes).toMatchObject([{ tag: 'kept' }])
  const selector = { process: { tag: 'kept' } }
  expect((await rpc('SendSignal', { ...selector, signal: 'SIGNAL_SIGKILL' })).status).toBe(200)
  await expect.poll(async () => (await rpc('SendSignal', { ...selector, signal: 'SIGNAL_SIGKILL' })).status).toBe(404)
})

it('an agent that dies in mid-answer cuts the answer, and is unreachable after', async () => {
  await sparseFile('big', GiB)
  const response = await begin(server.open(fileRoute('big')))
  await once(response, 'readable')
  const cut = once(response, 'error')
  agent.child.kill('SIGKILL')
  response.resume()
  await cut
  server.backend.connect = async () => {
    const dead = await agent.session().catch(() => undefined)
    if (dead) return dead
    throw new Error('connect ECONNREFUSED')
  }
  await agent[Symbol.asyncDispose]()
  expect(errorOf(await server.call(fileRoute('big'))).status).toBeGreaterThanOrEqual(500)
})

it('what the host says to its agent cannot be said through the proxy', async () => {
  const answer = await server.call(`${prefix}/bulkhead.guest.v1.Guest/PowerOff`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-bulkhead-key': '0'.repeat(32) },
    body: '{}',
  })
  expect(errorOf(answer)).toMatchObject({ code: 'route_not_found' })
  expect(agent.child.exitCode).toBe(null)
})

it('calls one after the other keep to one session', async () => {
  const session = await agent.session()
  for (let n = 0; n < 200; n += 1) expect((await server.call(`${prefix}/health`)).status).toBe(204)
  expect(await agent.session()).toBe(session)
})
