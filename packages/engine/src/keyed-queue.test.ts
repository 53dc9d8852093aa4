import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { KeyedQueue } from './keyed-queue.ts'

it('keeps the order of one key and overlaps different keys', async () => {
  const queue = new KeyedQueue()
  const log: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = queue.run('a', async () => {
    log.push('a1 starts')
    await gate.promise
    log.push('a1 ends')
  })
  const second = queue.run('a', async () => void log.push('a2'))
  await queue.run('b', async () => void log.push('b1'))
  expect(log).toEqual(['a1 starts', 'b1'])
  gate.resolve()
  await Promise.all([first, second])
  expect(log).toEqual(['a1 starts', 'b1', 'a1 ends', 'a2'])
})

it('goes on after a task that failed, and hands the failure to its caller alone', async () => {
  const queue = new KeyedQueue()
  const failing = queue.run('a', async () => Promise.reject(new Error('no')))
  const next = queue.run('a', async () => 'yes')
  await expect(failing).rejects.toThrow('no')
  await expect(next).resolves.toBe('yes')
})

it('forgets a key with its last task', async () => {
  const queue = new KeyedQueue()
  const task = queue.run('a', turn)
  expect(queue.isBusy('a')).toBe(true)
  await task
  await queue.idle()
  expect(queue.isBusy('a')).toBe(false)
  expect(queue.size).toBe(0)
})

it('is idle only when what was added meanwhile has ended too', async () => {
  const queue = new KeyedQueue()
  const log: string[] = []
  void queue.run('a', async () => {
    await turn()
    void queue.run('b', async () => void log.push('b'))
  })
  await queue.idle()
  expect(log).toEqual(['b'])
})
