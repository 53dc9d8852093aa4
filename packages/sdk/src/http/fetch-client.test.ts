import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { fetchClient } from './fetch-client.ts'
import type { HttpClient } from './http-client.ts'
import { maxReplyBytes, readAll } from './read-all.ts'

let server: Server
let client: HttpClient
let answer: (request: IncomingMessage, response: ServerResponse) => void

beforeEach(async () => {
  server = createServer((request, response) => answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  client = fetchClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

it('streams both ways', async () => {
  answer = (request, response) => request.pipe(response)
  async function* source() {
    for (let n = 0; n < 50; n += 1) yield new Uint8Array(10_000).fill(n)
  }
  const { body, status } = await client.send({ method: 'POST', path: '/', body: source() })
  expect(status).toBe(200)
  expect((await readAll(body, 'test', maxReplyBytes)).byteLength).toBe(500_000)
})

it('an answer that is cut short fails', async () => {
  answer = (_, response) => {
    response.write('half')
    setTimeout(() => response.destroy(), 10)
  }
  const { body } = await client.send({ method: 'GET', path: '/' })
  await expect(readAll(body, 'test', maxReplyBytes)).rejects.toMatchObject({ code: 'connection_lost' })
})

it('nobody there: server_unreachable; an abort: its reason', async () => {
  await expect(fetchClient('http://127.0.0.1:1').send({ method: 'GET', path: '/' })).rejects.toMatchObject({
    code: 'server_unreachable',
  })
  const signal = AbortSignal.abort(new Error('mine'))
  await expect(client.send({ method: 'GET', path: '/', signal })).rejects.toThrow('mine')
})

it('leaving a body early ends the request', async () => {
  const closed = Promise.withResolvers<void>()
  answer = (_, response) => {
    response.on('close', closed.resolve)
    response.write('first')
  }
  for await (const _chunk of (await client.send({ method: 'GET', path: '/' })).body) break
  await closed.promise
})
