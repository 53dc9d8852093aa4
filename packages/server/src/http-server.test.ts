import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { answerClientError } from './client-error.ts'
import { httpServer } from './http-server.ts'
import { serverLimits } from './server-limits.ts'

let folder: string
let server: Server
const sockets: net.Socket[] = []

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'bh-http-'))
})
const start = async (changes: Partial<Record<keyof typeof serverLimits, number>>) => {
  const limits = { ...serverLimits, ...changes }
  server = httpServer((_request, response) => response.end('served'), limits)
  server.on('clientError', answerClientError)
  server.listen(path.join(folder, 'socket'))
  await once(server, 'listening')
}
const impatient = { headersMs: 100, keepAliveMs: 100, checkEveryMs: 20 }
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  server.closeAllConnections()
  server.close()
  await rm(folder, { recursive: true })
})

/** Connects and gives what came until the server closed. */
async function untilClosed(send: string): Promise<string> {
  const socket = net.connect(path.join(folder, 'socket'))
  sockets.push(socket)
  socket.on('error', () => {})
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  if (send) socket.write(send)
  await new Promise((resolve) => socket.once('close', resolve))
  return received
}

it('closes on who does not finish the headers, and says why', async () => {
  await start(impatient)
  expect(await untilClosed('GET / HTTP/1.1\r\nHost: h\r\nX: ')).toContain('"field":"headers"')
})

it('closes on who says nothing at all', async () => {
  await start(impatient)
  await untilClosed('')
})

it('closes kept connections that are not used again', async () => {
  await start({ keepAliveMs: 100, checkEveryMs: 20 })
  expect(await untilClosed('GET / HTTP/1.1\r\nHost: h\r\n\r\n')).toContain('served')
})

it('closes what is over the number of connections at once, and serves again when some have gone', async () => {
  await start({ connections: 3 })
  const held = Array.from({ length: 3 }, () => net.connect(path.join(folder, 'socket')))
  sockets.push(...held)
  await Promise.all(held.map((socket) => once(socket, 'connect')))
  expect(await untilClosed('GET / HTTP/1.1\r\nHost: h\r\n\r\n')).toBe('')
  for (const socket of held) socket.destroy()
  await expect.poll(() => untilClosed('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')).toContain('served')
})
