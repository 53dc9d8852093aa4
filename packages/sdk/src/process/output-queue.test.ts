import { expect, it } from 'vitest'
import { OutputQueue } from './output-queue.ts'

const MiB = 1024 * 1024

it('puts small chunks together, and keeps nothing of the message they came in', async () => {
  const queue = new OutputQueue()
  const message = new Uint8Array(16 * MiB)
  for (let n = 0; n < 100_000; n += 1) {
    message[n] = n
    expect(queue.push(message.subarray(n, n + 1))).toBeUndefined()
  }
  queue.end()
  const chunks = await Array.fromAsync(queue)
  expect(Buffer.concat(chunks).equals(message.subarray(0, 100_000))).toBe(true)
  expect(chunks.length).toBe(2)
  for (const { buffer } of chunks) expect(buffer.byteLength).toBeLessThanOrEqual(64 * 1024)
})

it('keeps no empty chunk', async () => {
  const queue = new OutputQueue()
  for (let n = 0; n < 1000; n += 1) queue.push(new Uint8Array(0))
  queue.end()
  expect(await Array.fromAsync(queue)).toEqual([])
})

it('holds the sender back at 1 MiB until there is room, and takes chunks larger than a block', async () => {
  const queue = new OutputQueue()
  expect(queue.push(new Uint8Array(MiB - 1).fill(1))).toBeUndefined()
  const room = queue.push(Uint8Array.of(2))
  expect(room).toBeInstanceOf(Promise)
  const reader = queue[Symbol.asyncIterator]()
  expect((await reader.next()).value).toHaveLength(MiB - 1)
  await room
  expect((await reader.next()).value).toEqual(Uint8Array.of(2))
})

it('gives what was left before the error', async () => {
  const queue = new OutputQueue()
  queue.push(Uint8Array.of(1))
  queue.end(new Error('lost'))
  const reader = queue[Symbol.asyncIterator]()
  expect((await reader.next()).value).toEqual(Uint8Array.of(1))
  await expect(reader.next()).rejects.toThrow('lost')
})
