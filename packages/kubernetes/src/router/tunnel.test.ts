import { once } from 'node:events'
import { Duplex, type DuplexOptions } from 'node:stream'
import { expect, it } from 'vitest'
import { joinSockets } from './tunnel.ts'

const nothing = Buffer.alloc(0)
const socket = (write: DuplexOptions['write'] = (_chunk, _encoding, written) => written()) =>
  new Duplex({ read() {}, write })

it('a side that ends has what it said delivered to the other first, however long that takes', async () => {
  const heard: string[] = []
  const taking = Promise.withResolvers<() => void>()
  const near = socket((chunk, _, written) => {
    heard.push(String(chunk))
    taking.resolve(written)
  })
  const far = socket()
  joinSockets(near, nothing, far, nothing)
  const closed = once(far, 'close')
  far.push('last words')
  far.push(null)
  far.end()
  const written = await taking.promise
  await closed
  expect(near.destroyed).toBe(false)
  written()
  await once(near, 'close')
  expect(near.writableFinished).toBe(true)
  expect(heard).toEqual(['last words'])
})

it('a side that breaks off takes the other with it', async () => {
  const [near, far] = [socket((_chunk, _encoding, _never) => {}), socket()]
  joinSockets(near, nothing, far, nothing)
  far.push('half')
  far.destroy(new Error('reset'))
  await once(near, 'close')
})
