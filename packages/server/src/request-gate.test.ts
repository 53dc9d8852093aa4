import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { RequestGate } from './request-gate.ts'

it('refuses what is over the limit, admits again when one has gone, and tells when all have', async () => {
  const closing = new AbortController()
  const gate = new RequestGate(undefined, closing.signal, 2)
  const admitted: ServerResponse[] = []
  const server = createServer((_request, response) => {
    if (gate.admit(response)) admitted.push(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const agent = new Agent()
  const call = async () => {
    const [response] = (await once(get({ port, agent }), 'response')) as [IncomingMessage]
    const body = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>)).toString()
    return body && JSON.parse(body).code
  }
  try {
    const left = get({ port, agent }).on('error', () => {})
    const held = call()
    await expect.poll(() => admitted.length).toBe(2)
    expect(await call()).toBe('server_busy')
    left.destroy()
    await expect.poll(() => admitted.filter(({ destroyed }) => destroyed).length).toBe(1)
    const next = call()
    await expect.poll(() => admitted.length).toBe(3)
    closing.abort()
    expect(await call()).toBe('server_stopping')
    let drained = false
    const waiting = gate.drained().then(() => {
      drained = true
    })
    expect(drained).toBe(false)
    for (const response of admitted) response.end()
    await Promise.all([held, next, waiting])
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
