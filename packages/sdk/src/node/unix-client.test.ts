import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { callJson } from '../http/call-json.ts'
import type { HttpClient } from '../http/http-client.ts'
import { maxReplyBytes, readAll } from '../http/read-all.ts'
import { unixClient } from './unix-client.ts'

let folder: string
let server: Server
let client: HttpClient
let answer: (request: IncomingMessage, response: ServerResponse) => void

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'bh-client-'))
  server = createServer((request, response) => answer(request, response))
  server.listen(path.join(folder, 'socket'))
  await once(server, 'listening')
  client = unixClient(path.join(folder, 'socket'))
})
afterEach(async () => {
  client.close()
  server.closeAllConnections()
  server.close()
  await rm(folder, { recursive: true })
})

const get = { method: 'GET', path: '/' }

it('nobody there: server_unreachable', async () => {
  await expect(unixClient(path.join(folder, 'none')).send(get)).rejects.toMatchObject({
    code: 'server_unreachable',
    facts: { reason: 'ENOENT' },
  })
})

it('an answer that is cut short fails, whatever came of it', async () => {
  answer = (_, response) => {
    response.write('half')
    setTimeout(() => response.destroy(), 10)
  }
  const { body } = await client.send(get)
  await expect(readAll(body, 'test', maxReplyBytes)).rejects.toMatchObject({ code: 'connection_lost' })
})

it('a connection that ends before the answer fails', async () => {
  answer = (request) => request.socket.destroy()
  await expect(client.send({ method: 'POST', path: '/' })).rejects.toMatchObject({ code: 'connection_lost' })
})

it('a kept connection the server has closed is not noticed by the caller', async () => {
  let calls = 0
  answer = (request, response) => {
    calls += 1
    if (calls === 2) request.socket.destroy()
    else response.end('x')
  }
  await readAll((await client.send(get)).body, 'test', maxReplyBytes)
  expect((await client.send(get)).status).toBe(200)
  expect(calls).toBe(3)
})

it('an abort rejects with its reason, before and after the head', async () => {
  answer = (_, response) => response.write('half')
  const before = new AbortController()
  answer = () => before.abort(new Error('mine'))
  await expect(client.send({ ...get, signal: before.signal })).rejects.toThrow('mine')
  answer = (_, response) => response.write('half')
  const after = new AbortController()
  const { body } = await client.send({ ...get, signal: after.signal })
  after.abort(new Error('mine'))
  await expect(readAll(body, 'test', maxReplyBytes)).rejects.toThrow('mine')
})

it('leaving a body early ends the request', async () => {
  const closed = Promise.withResolvers<void>()
  answer = (_, response) => {
    response.on('close', closed.resolve)
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65536)));
    }
    response.on('drain', more)
    more()
  }
  for await (const _chunk of (await client.send(get)).body) break
  await closed.promise
})

it('a body whose source fails is cut, not ended', async () => {
  const seen = Promise.withResolvers<string>()
  const begun = Promise.withResolvers<void>()
  answer = (request) => {
    begun.resolve()
    request.on('end', () => seen.resolve('end')).on('error', () => seen.resolve('cut'))
    request.resume()
  }
  async function* source() {
    yield new Uint8Array(1000)
    await begun.promise
    throw new Error('source broke')
  }
  await expect(client.send({ method: 'POST', path: '/', body: source() })).rejects.toThrow('source broke')
  expect(await seen.promise).toBe('cut')
})

it('an error of the server keeps code, facts and next step, also one this client does not know', async () => {
  const body = { code: 'some_future_code', status: 418, message: 'm', next: 'n', facts: { a: 1 } }
  answer = (_, response) => response.writeHead(418).end(JSON.stringify(body))
  await expect(callJson(client, { path: '/' })).rejects.toMatchObject({ name: 'BulkheadError', ...body })
})

it.each(['', 'no json', '{}', '[]', 'null', '{"code":5,"next":1}', '{"code":"x"}'])(
  'an error that is none (%j) is answer_invalid',
  async (body) => {
    answer = (_, response) => response.writeHead(500).end(body)
    await expect(callJson(client, { path: '/' })).rejects.toMatchObject({ code: 'answer_invalid' })
  }
)
