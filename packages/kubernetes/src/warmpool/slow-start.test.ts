import { expect, it } from 'vitest'
import { slowStart } from './slow-start.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

/** Work that ends when told to, a round at a time. */
function rounds() {
  let begun: PromiseWithResolvers<void>[] = []
  return {
    work: () => {
      const job = Promise.withResolvers<void>()
      begun.push(job)
      return job.promise
    },
    /** Ends all that has been begun; returns how many that were. */
    end: async (error?: Error) => {
      const now = begun
      begun = []
      for (const job of now) error ? job.reject(error) : job.resolve()
      await new Promise((done) => setImmediate(done))
      return now.length
    },
  }
}

it('begins with one, and doubles up to the limit', async () => {
  const { work, end } = rounds()
  const ended = slowStart(numbers(30), { limit: 8, goesOn: () => true }, work)
  const sizes: number[] = []
  for (let size = await end(); size > 0; size = await end()) sizes.push(size)
  expect(sizes).toEqual([1, 2, 4, 8, 8, 7])
  expect(await ended).toEqual([])
})

it('begins no more after a failure, and waits for what it has begun', async () => {
  const { work, end } = rounds()
  const ended = slowStart(numbers(30), { limit: 8, goesOn: () => true }, work)
  expect([await end(), await end(), await end(new Error('refused')), await end()]).toEqual([1, 2, 4, 0])
  expect(await ended).toHaveLength(4)
})

it('begins no more when it is not to go on', async () => {
  const done: number[] = []
  await slowStart(numbers(30), { limit: 8, goesOn: () => done.length < 5 }, async (item) => void done.push(item))
  expect(done.length).toBeGreaterThanOrEqual(5)
  expect(done.length).toBeLessThan(5 + 8)
})
