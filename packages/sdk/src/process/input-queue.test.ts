import { expect, it } from 'vitest'
import { InputQueue } from './input-queue.ts'

const bytes = (...values: number[]) => new Uint8Array(values)

it('keeps order, sends one message at a time, and what came meanwhile together', async () => {
  const sent: number[][] = []
  let underWay = 0
  const queue = new InputQueue(async (data) => {
    underWay += 1
    expect(underWay).toBe(1)
    await new Promise((resolve) => setImmediate(resolve))
    underWay -= 1
    sent.push([...data])
    return true
  })
  expect(await Promise.all([queue.write(bytes(1)), queue.write(bytes(2)), queue.write(bytes(3))])).toEqual([
    true,
    true,
    true,
  ])
  expect(sent).toEqual([[1], [2, 3]])
})

it('cuts what is larger than a message', async () => {
  const sizes: number[] = []
  const queue = new InputQueue(async (data) => sizes.push(data.byteLength) > 0)
  await queue.write(new Uint8Array(600 * 1024))
  expect(sizes).toEqual([256 * 1024, 256 * 1024, 88 * 1024])
})

it('drops all further input once nobody reads it', async () => {
  let calls = 0
  const queue = new InputQueue(async () => {
    calls += 1
    return false
  })
  expect(await Promise.all([queue.write(bytes(1)), queue.write(bytes(2))])).toEqual([false, false])
  expect(await queue.write(bytes(3))).toBe(false)
  expect(calls).toBe(1)
})

it('tells a failure to who waits, and goes on after it', async () => {
  let fail = true
  const queue = new InputQueue(async () => {
    if (fail) throw new Error('lost')
    return true
  })
  await expect(queue.write(bytes(1))).rejects.toThrow('lost')
  fail = false
  expect(await queue.write(bytes(2))).toBe(true)
})
