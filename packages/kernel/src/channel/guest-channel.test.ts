import { once } from 'node:events'
import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { answerHandshake, pongServer } from './fake-guest.testing.ts'
import { GuestChannel } from './guest-channel.ts'
import { socketPair } from './socket-pair.testing.ts'

const key = 'b1'.repeat(16)
const patience = () => AbortSignal.timeout(10_000)

let agent: ReturnType<typeof pongServer>
let dials: Socket[]
let guests: Socket[]

beforeEach(() => {
  agent = pongServer()
  agent.on('sessionError', () => {})
  dials = []
  guests = []
})
afterEach(() => {
  for (const socket of [...dials, ...guests]) socket.destroy()
})

function channelTo(onGuest: (guest: Socket) => void, timeoutMs = 10_000): GuestChannel {
  const dial = async () => {
    const [host, guest] = await socketPair()
    dials.push(host)
    guests.push(guest)
    onGuest(guest)
    return host
  }
  return new GuestChannel({ id: 'k', dial, key: () => key, timeoutMs })
}

const wellBehaved = (guest: Socket) => {
  answerHandshake(guest, { key }).then(() => agent.emit('connection', guest))
}

async function ping(session: ClientHttp2Session): Promise<string> {
  const request = session.request({ ':path': '/' }).setEncoding('utf8')
  let body = ''
  for await (const chunk of request) body += chunk
  return body
}

it('is opened once for all who ask at the same time, and anew when it has ended', async () => {
  const channel = channelTo(wellBehaved)
  const [one, two] = await Promise.all([channel.session(patience()), channel.session(patience())])
  expect(two).toBe(one)
  expect(dials).toHaveLength(1)
  expect(await ping(one)).toBe('pong')

  guests[0]?.destroy()
  await once(one, 'close')
  const fresh = await channel.session(patience())
  expect(await ping(fresh)).toBe('pong')
})

it('goes on with an attempt while one waiter is left, and gives it up with the last', async () => {
  // However many connections are tried until then: each answers once it may.
  const gate = Promise.withResolvers<void>()
  const channel = channelTo((guest) => void gate.promise.then(() => wellBehaved(guest)))
  const [first, second] = [new AbortController(), new AbortController()]
  const one = channel.session(first.signal)
  const two = channel.session(second.signal)
  first.abort(new Error('first left'))
  await expect(one).rejects.toThrow('first left')
  gate.resolve()
  expect(await ping(await two)).toBe('pong')

  channel.reset('again')
  const before = dials.length
  const three = channel.session(AbortSignal.abort(new Error('never came')))
  await expect(three).rejects.toThrow('never came')
  const third = new AbortController()
  const four = channel.session(third.signal)
  third.abort(new Error('left'))
  await expect(four).rejects.toThrow('left')
  await expect.poll(() => dials.slice(before).every((socket) => socket.destroyed)).toBe(true)
})

it('names a guest that does not answer in time', async () => {
  const channel = channelTo(() => {}, 100)
  await expect(channel.session(patience())).rejects.toMatchObject({
    code: 'guest_unreachable',
    facts: { id: 'k', reason: 'no answer within 100 ms' },
  })
})

it('tries another connection when the first is dead on arrival', async () => {
  let dialled = 0
  const channel = channelTo((guest) => {
    if (++dialled > 1) wellBehaved(guest)
  })
  expect(await ping(await channel.session(patience()))).toBe('pong')
  expect(dials).toHaveLength(2)
  expect(dials[0]?.destroyed).toBe(true)
})

it('fails at once, and for good, when it is closed', async () => {
  const channel = channelTo(() => {})
  const waiting = channel.session(patience())
  channel.close('the kernel has ended')
  await expect(waiting).rejects.toMatchObject({ code: 'guest_unreachable', facts: { reason: 'the kernel has ended' } })
  await expect(channel.session(patience())).rejects.toMatchObject({ facts: { reason: 'the kernel has ended' } })
})

it('survives a guest that answers the handshake and then talks rubbish', async () => {
  const channel = channelTo((guest) => {
    answerHandshake(guest, {
      key,
      after: Buffer.from('HTTP/1.1 200 OK\r\n\r\nnot http/2 at all, and more than one frame of it'),
    })
  })
  await expect(channel.session(patience()).then(ping)).rejects.toThrow()
})
