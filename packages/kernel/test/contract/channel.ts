import { describe, expect, it } from 'vitest'
import { deadline } from '../support/deadline.ts'
import { processes, shell, start } from '../support/guest-command.ts'
import type { Bench } from './bench.ts'

export function describeChannel(bench: Bench): void {
  describe('channel', () => {
    it('gives all callers the same session while it is open', async () => {
      await using kernel = await bench().runtime.boot(await bench().spec(), deadline())
      const sessions = await Promise.all([1, 2, 3].map(() => kernel.channel(deadline())))
      expect(new Set(sessions).size).toBe(1)
    })

    it('opens again after its session was destroyed with a stream in flight, twenty times', async () => {
      await using kernel = await bench().runtime.boot(await bench().spec(), deadline())
      for (let round = 0; round < 20; round++) {
        const events = await start(kernel, ['cat', '/dev/zero'])
        let pid = 0
        let broke: unknown
        const flood = (async () => {
          for await (const { event } of events) {
            if (event?.event.case === 'start') pid = event.event.value.pid
            if (event?.event.case === 'data') (await kernel.channel(deadline())).destroy()
          }
        })().catch((error: unknown) => {
          broke = error
        })
        await flood
        expect(broke, 'the stream of a destroyed session ends with an error').toBeDefined()

        // The process lives on without its client, and is there to be ended over the next session.
        const client = processes(await kernel.channel(deadline()), kernel.handle.spec.identity.accessToken)
        await client.sendSignal({ process: { selector: { case: 'pid', value: pid } }, signal: 9 })
        expect(await shell(kernel, `echo round ${round}`)).toBe(`round ${round}`)
      }
    })

    it('is not held up by a stream that nobody reads', async () => {
      await using kernel = await bench().runtime.boot(await bench().spec(), deadline())
      const unread = await start(kernel, ['cat', '/dev/zero'])
      const events = unread[Symbol.asyncIterator]()
      await events.next()
      expect(await shell(kernel, 'echo through')).toBe('through')
      await events.return?.()
    })

    it('refuses who does not have the token, and the host’s own service to who does not have the key', async () => {
      await using kernel = await bench().runtime.boot(await bench().spec(), deadline())
      const session = await kernel.channel(deadline())
      await expect(processes(session, 'f'.repeat(64)).list({})).rejects.toMatchObject({ code: 16 })
      const status = await new Promise((resolve, reject) => {
        const request = session.request({
          ':method': 'POST',
          ':path': '/bulkhead.guest.v1.Guest/PowerOff',
          'content-type': 'application/json',
          'x-access-token': kernel.handle.spec.identity.accessToken,
        })
        request.on('response', (headers) => resolve(headers[':status'])).on('error', reject)
        request.resume().end('{}')
      })
      expect(status).toBe(401)
      expect(await shell(kernel, 'echo alive')).toBe('alive')
    })
  })
}
