import type { Socket } from 'node:net'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { socketPair } from '../channel/socket-pair.testing.ts'
import { QmpClient, QmpError } from './qmp-client.ts'

const patience = () => AbortSignal.timeout(10_000)
const greeting = '{"QMP": {"version": {"qemu": {"major": 10, "minor": 0, "micro": 2}}, "capabilities": []}}\r\n'

/** A monitor that answers each command as `answer` says; undefined: not at all. */
function fakeQemu(socket: Socket, answer: (command: { execute: string; id: number }) => unknown): void {
  socket.write(greeting)
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const command = JSON.parse(text.slice(0, end))
      text = text.slice(end + 1)
      const reply = command.execute === 'qmp_capabilities' ? { return: {} } : answer(command)
      if (reply !== undefined) socket.write(`${JSON.stringify({ ...(reply as object), id: command.id })}\n`)
    }
  })
}

async function opened(answer: Parameters<typeof fakeQemu>[1] = () => undefined) {
  const [here, there] = await socketPair()
  fakeQemu(there, answer)
  return { client: await QmpClient.open(here, patience()), qemu: there }
}

it('matches answers to commands, whatever comes in between', async () => {
  const { client, qemu } = await opened(({ execute }) => ({ return: { is: execute } }))
  qemu.write('{"event": "RTC_CHANGE", "data": {"offset": 1}}\n{"return": {}, "id": 9999}\n')
  const [one, two] = await Promise.all([client.execute('a', {}, patience()), client.execute('b', {}, patience())])
  expect([one, two]).toEqual([{ is: 'a' }, { is: 'b' }])
  expect(await client.version()).toBe('10.0.2')
})

it('tells a refusal, an abort and an end apart', async () => {
  const { client, qemu } = await opened(({ execute }) =>
    execute === 'refused' ? { error: { class: 'GenericError', desc: 'no such thing' } } : undefined
  )
  await expect(client.execute('refused', {}, patience())).rejects.toBeInstanceOf(QmpError)
  await expect(client.execute('silent', {}, AbortSignal.abort(new Error('gave up')))).rejects.toThrow('gave up')
  const waiting = Promise.allSettled([client.execute('silent', {}, patience()), client.event(() => false, patience())])
  qemu.destroy()
  expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await client.closed
  await expect(client.execute('late', {}, patience())).rejects.toThrow('closed')
})

it.each([
  ['a line without end', 'x'.repeat(2 * 1024 * 1024)],
  ['an event that is far too long', `{"event": "NOISE", "data": {"x": "${'x'.repeat(70_000)}"}}\n`],
  ['more bytes than it may in a second', `{"return": "${'x'.repeat(100_000)}", "id": 9999}\n`.repeat(30)],
  ['what is not JSON', 'hello\n'],
  ['what is not an object', '[1, 2]\n'],
])('cuts off a VMM that sends %s', async (_, text) => {
  const { client, qemu } = await opened()
  qemu.write(text)
  expect(await client.closed).toBeInstanceOf(Error)
  await expect.poll(() => qemu.destroyed).toBe(true)
})

it('takes any object for no more than it is', async () => {
  const { client, qemu } = await opened(() => ({ return: 'still here' }))
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.constantFrom('event', 'data', 'id', 'return', 'error', 'QMP', 'x'), fc.jsonValue()),
      async (message) => {
        // An answer with an id that is open would be an answer.
        const { id: _, ...rest } = message
        qemu.write(`${JSON.stringify(rest)}\n`)
        expect(await client.execute('alive', {}, patience())).toBe('still here')
      }
    ),
    { numRuns: 100 }
  )
})

it('does not let a flood of events take this process over', async () => {
  const { client, qemu } = await opened()
  let seen = 0
  client.listen(() => seen++)
  const flood = Buffer.from('{"event": "NOISE"}\n'.repeat(1000))
  const pump = () => {
    while (!qemu.destroyed && qemu.write(flood));
  }
  qemu.on('drain', pump)
  pump()
  await new Promise((resolve) => setTimeout(resolve, 500))
  // A chunk that was read already is finished: some thousands at most, where a second would have brought millions.
  expect(seen).toBeLessThan(20_000)
  await client[Symbol.asyncDispose]()
  qemu.destroy()
})
