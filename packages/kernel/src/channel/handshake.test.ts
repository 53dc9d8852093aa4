import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { answerHandshake } from './fake-guest.testing.ts'
import { handshake } from './handshake.ts'
import { socketPair } from './socket-pair.testing.ts'

const key = 'a0'.repeat(16)
const patience = () => AbortSignal.timeout(10_000)

const readAll = async (socket: Socket): Promise<Buffer> => {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.resume()
  await once(socket, 'end')
  return Buffer.concat(chunks)
}

/** What a guest may have left in the stream: also lines that look like answers. */
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(`\nOK ${'0'.repeat(32)}\n`, `\nGO ${'0'.repeat(32)}\n`, '\nOK', '\n\n\n', 'PRI * HTTP/2.0\r\n')
    .map((text) => Buffer.from(text))
)

it('hands over the stream at the first byte after GO, whatever came before and however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      noise,
      noise,
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 1, max: 50 }),
      async (before, between, after, piece) => {
        const [host, guest] = await socketPair()
        const inPieces = async (data: Buffer) => {
          for (let at = 0; at < data.length; at += piece) {
            guest.write(data.subarray(at, at + piece))
            await nextTurn()
          }
        }
        let writing = Promise.resolve()
        const write = (data: Buffer) => {
          writing = writing.then(() => inPieces(data))
        }
        const guestDone = answerHandshake(guest, { key, before, between, after: Buffer.from(after), write })
        await handshake(host, { key }, patience())
        await guestDone
        await writing
        guest.end()
        expect(await readAll(host)).toEqual(Buffer.from(after))
        host.destroy()
      }
    ),
    { numRuns: 60 }
  )
})

it('calls again until somebody listens', async () => {
  const [host, guest] = await socketPair()
  const done = handshake(host, { key }, patience())
  // What was said while nobody listened is lost.
  await once(guest, 'readable')
  guest.read()
  await answerHandshake(guest, { key })
  await done
})

it('begins anew when the guest gives up between its two lines', async () => {
  const [host, guest] = await socketPair()
  const done = handshake(host, { key }, patience())
  await once(guest, 'readable')
  const first = / ([0-9a-f]{32})\n/.exec(String(guest.read()))?.[1]
  guest.write(`\nOK ${first}\n`)
  // The next opening line has another nonce: this guest forgot the first.
  await answerHandshake(guest, { key: `${key}(?! ${first})` })
  await done
})

it('never takes another nonce for its own', async () => {
  const [host, guest] = await socketPair()
  const abort = new AbortController()
  const done = handshake(host, { key }, abort.signal)
  guest.write(`\nOK ${'f'.repeat(32)}\n\nGO ${'f'.repeat(32)}\n`)
  await once(guest, 'readable')
  const said = String(guest.read())
  abort.abort(new Error('enough'))
  await expect(done).rejects.toThrow('enough')
  expect(said).not.toContain('GO')
  expect(host.destroyed).toBe(true)
})

it('cuts off a guest that floods', async () => {
  const [host, guest] = await socketPair()
  const flood = Buffer.alloc(64 * 1024, 'x')
  const pump = () => {
    while (!guest.destroyed && guest.write(flood));
  }
  guest.on('drain', pump)
  pump()
  await expect(handshake(host, { key, maxDiscardedBytes: 1024 * 1024 }, patience())).rejects.toThrow(RangeError)
  expect(host.destroyed).toBe(true)
})

it('does not hoard calls for a guest that does not read', async () => {
  const [host, guest] = await socketPair()
  guest.pause()
  const abort = new AbortController()
  const done = handshake(host, { key }, abort.signal)
  // Fill what the system takes, as a guest would that stopped reading in the middle of a session.
  while (host.writableLength === 0) host.write(Buffer.alloc(64 * 1024))
  const before = host.writableLength
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(host.writableLength).toBe(before)
  abort.abort(new Error('enough'))
  await expect(done).rejects.toThrow('enough')
  guest.destroy()
})

it.each([
  ['ends', (guest: Socket) => guest.end()],
  ['is torn down', (guest: Socket) => guest.destroy()],
])('fails when the stream %s', async (_, act) => {
  const [host, guest] = await socketPair()
  const done = handshake(host, { key }, patience())
  act(guest)
  await expect(done).rejects.toThrow()
  expect(host.destroyed).toBe(true)
})

it('refuses a key that could end the line', async () => {
  const [host] = await socketPair()
  await expect(handshake(host, { key: `${'a'.repeat(31)}\n` }, patience())).rejects.toThrow(TypeError)
})
