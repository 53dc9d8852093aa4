import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { routes } from '@bulkhead/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startServer } from './start-server.ts'
import { startGuestPeer } from './testing/guest-peer.ts'
import { TestBackend } from './testing/test-backend.ts'
import { TestServer } from './testing/test-server.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

describe('the socket', () => {
  let folder: string
  let unix: string
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'bh-socket-'))
    unix = path.join(folder, 'run', 'server.sock')
  })
  afterEach(() => rm(folder, { recursive: true }))
  const start = () => startServer({ backend: new TestBackend(), logger: quiet, listen: { unix } })

  it('is for its user alone, and gone with the server', async () => {
    {
      await using _server = await start()
      expect((await stat(unix)).mode & 0o777).toBe(0o600)
      expect((await stat(path.dirname(unix))).mode & 0o777).toBe(0o700)
      expect(await readdir(path.dirname(unix))).toEqual(['server.sock'])
    }
    expect(await readdir(path.dirname(unix))).toEqual([])
  })

  it('of a live server is not taken', async () => {
    await using _server = await start()
    await expect(start()).rejects.toMatchObject({ code: 'server_already_running', facts: { path: unix } })
    expect(await readdir(path.dirname(unix))).toEqual(['server.sock'])
  })

  it('of a dead server is replaced', async () => {
    await (await start()).close()
    const dead = net.createServer().listen(`${unix}.dead`)
    await once(dead, 'listening')
    // As a killed process leaves it: the name stays, nobody listens.
    const { rename } = await import('node:fs/promises')
    await rename(`${unix}.dead`, unix)
    dead.close()
    await using _server = await start()
    expect(await readdir(path.dirname(unix))).toEqual(['server.sock'])
  })

  it('goes to exactly one of many servers that start together over a dead one', async () => {
    await (await start()).close()
    const dead = net.createServer().listen(`${unix}.dead`)
    await once(dead, 'listening')
    const { rename } = await import('node:fs/promises')
    await rename(`${unix}.dead`, unix)
    dead.close()
    const starts = await Promise.allSettled(Array.from({ length: 8 }, start))
    const won = starts.filter((result) => result.status === 'fulfilled')
    try {
      expect(won).toHaveLength(1)
      for (const result of starts)
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'server_already_running' })
    } finally {
      for (const { value } of won) await value.close()
    }
  })

  it('never replaces what is no socket, nor stands in a folder others can write into', async () => {
    await (await start()).close()
    await writeFile(unix, 'precious')
    await expect(start()).rejects.toMatchObject({ code: 'socket_unusable' })
    await rm(unix)
    await chmod(path.dirname(unix), 0o777)
    await expect(start()).rejects.toMatchObject({ code: 'socket_unusable' })
  })

  it('with a name too long for one is refused, not cut', async () => {
    unix = path.join(folder, 'x'.repeat(100))
    await expect(start()).rejects.toMatchObject({
      code: 'socket_unusable',
      facts: { reason: expect.stringContaining('longer') },
    })
  })

  it('that another server took over meanwhile is left alone by close', async () => {
    const first = await start()
    await rm(unix)
    await using _second = await start()
    await first.close()
    expect(await readdir(path.dirname(unix))).toEqual(['server.sock'])
  })
})

describe('closing', () => {
  it('cancels control requests, waits for their clean-up, cuts calls to guests', async () => {
    await using server = await TestServer.start()
    await using guest = await startGuestPeer(server.folder, (stream) => {
      stream.respond({ ':status': 200 })
      stream.write('x')
    })
    server.backend.connect = () => guest.session()
    const begun = Promise.withResolvers<void>()
    let cleaned = false
    server.backend.beforeCreated = async (signal) => {
      begun.resolve()
      await once(signal, 'abort')
      await new Promise((resolve) => setTimeout(resolve, 50))
      cleaned = true
      throw signal.reason
    }
    const create = server.json(routes.sandboxes, {})
    const guestCall = server.call(`${routes.guest(server.backend.add().id)}/files`)
    await begun.promise
    const cut = expect(guestCall).rejects.toThrow()
    await expect
      .poll(async () => (await server.call(routes.metrics)).body.toString())
      .toContain('bulkhead_guest_calls_open 1')
    await Promise.all([server.close(), server.close()])
    expect(cleaned).toBe(true)
    expect(await create).toMatchObject({ status: 503, body: { code: 'server_stopping' } })
    await cut
  })
})

describe('idle', () => {
  it('is told once nothing is open and the backend needs nothing', async () => {
    const idle = Promise.withResolvers<void>()
    let told = 0
    await using server = await TestServer.start({
      idle: {
        afterMs: 30,
        onIdle: () => {
          told += 1
          idle.resolve()
        },
      },
    })
    await idle.promise
    expect((await server.call('/health')).status).toBe(200)
    expect(told).toBe(1)
  })

  it('is not told while a call to a guest is open, or the backend is busy', async () => {
    let told = 0
    const idle = Promise.withResolvers<void>()
    // Busy until the call is open: on a slow machine that takes longer than the server waits for its first one.
    const backend = new TestBackend()
    backend.busyCount = 1
    const onIdle = () => {
      told += 1
      idle.resolve()
    }
    await using server = await TestServer.start({ idle: { afterMs: 30, onIdle } }, backend)
    await using guest = await startGuestPeer(server.folder, (stream) => {
      stream.respond({ ':status': 200 })
      stream.write('x')
    })
    backend.connect = () => guest.session()
    const call = server.open(`${routes.guest(backend.add().id)}/files`)
    call.end()
    await once(call, 'response')
    backend.busyCount = 0
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(told).toBe(0)
    backend.busyCount = 1
    call.destroy()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(told).toBe(0)
    backend.busyCount = 0
    await idle.promise
  })
})
