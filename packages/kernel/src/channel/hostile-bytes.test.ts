import { once } from 'node:events'
import { createServer } from 'node:http2'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { answerHandshake, pongServer } from './fake-guest.testing.ts'
import { GuestChannel } from './guest-channel.ts'
import { socketPair } from './socket-pair.testing.ts'

const key = 'c2'.repeat(16)
const patience = () => AbortSignal.timeout(20_000)

/** A frame of HTTP/2 with a header that may be right and content that may not. */
const frame = fc
  .record({
    type: fc.integer({ min: 0, max: 12 }),
    flags: fc.integer({ min: 0, max: 255 }),
    stream: fc.constantFrom(0, 1, 2, 3, 0x7fffffff, 0xffffffff),
    content: fc.uint8Array({ maxLength: 64 }),
    lie: fc.constantFrom(0, 0, 0, 1, 70_000, 0xffffff),
  })
  .map(({ type, flags, stream, content, lie }) => {
    const header = Buffer.alloc(9)
    header.writeUIntBE(lie || content.length, 0, 3)
    header.writeUInt8(type, 3)
    header.writeUInt8(flags, 4)
    header.writeUInt32BE(stream, 5)
    return Buffer.concat([header, content])
  })

/** An empty SETTINGS frame, which an honest session begins with. */
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array)),
  fc.array(frame, { maxLength: 12 }).map((frames) => Buffer.concat([settings, ...frames]))
)

const write = async (guest: Socket, data: Buffer, piece: number) => {
  for (let at = 0; at < data.length; at += piece) {
    guest.write(data.subarray(at, at + piece))
    await nextTurn()
  }
}

/** One request, however it ends; it must end. */
async function ask(channel: GuestChannel): Promise<string> {
  const session = await channel.session(patience())
  const request = session.request({ ':path': '/' }).setEncoding('utf8')
  let body = ''
  for await (const chunk of request) body += chunk
  return body
}

const agent = pongServer()
agent.on('sessionError', () => {})

/** The first connection is the attacker's, the others are honest: the channel must work again. */
async function survives(first: (guest: Socket) => Promise<void>): Promise<void> {
  const sockets: Socket[] = []
  const dial = async () => {
    const [host, guest] = await socketPair()
    sockets.push(host, guest)
    if (sockets.length === 2) first(guest).finally(() => guest.end())
    else answerHandshake(guest, { key }).then(() => agent.emit('connection', guest))
    return host
  }
  await using channel = new GuestChannel({ id: 'k', dial, key: () => key, timeoutMs: 20_000 })
  try {
    // What it is answered is the guest's own; that it is answered, or fails, is ours.
    await ask(channel).catch((error: unknown) => expect(error).toBeInstanceOf(Error))
    channel.reset('the next one')
    expect(await ask(channel)).toBe('pong')
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

it('lives through any bytes instead of a handshake', async () => {
  const property = fc.asyncProperty(bytes, fc.integer({ min: 1, max: 64 }), (data, piece) =>
    survives((guest) => write(guest, data, piece))
  )
  await fc.assert(property, { numRuns: 100 })
}, 60_000)

it('lives through any bytes instead of a session', async () => {
  const property = fc.asyncProperty(bytes, fc.integer({ min: 1, max: 64 }), (data, piece) =>
    survives(async (guest) => {
      await answerHandshake(guest, { key })
      await write(guest, data, piece)
    })
  )
  await fc.assert(property, { numRuns: 150 })
}, 60_000)

it('lives through any bytes in the middle of a session', async () => {
  const property = fc.asyncProperty(bytes, fc.integer({ min: 1, max: 64 }), (data, piece) =>
    survives(async (guest) => {
      await answerHandshake(guest, { key })
      const slow = createServer(() => {}) // never answers: the request is open when the garbage comes
      slow.on('sessionError', () => {})
      const asked = once(slow, 'request')
      slow.emit('connection', guest)
      await asked
      await write(guest, data, piece)
    })
  )
  await fc.assert(property, { numRuns: 100 })
}, 60_000)
