import { expect, it } from 'vitest'
import { offer } from './offer.ts'

const signal = new AbortController().signal

it('begins each when it is due, though none before has ended, and ends with the last', async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const due: number[] = []
  let ended = 0
  const offered = offer({
    total: 5,
    perSecond: 100,
    signal,
    start: async (at, dueMs) => {
      due.push(dueMs)
      expect(performance.now()).toBeGreaterThanOrEqual(dueMs)
      if (at === 4) release()
      await released
      ended += 1
    },
  })
  await offered
  expect(ended).toBe(5)
  expect(due.map((dueMs) => Math.round(dueMs - (due[0] as number)))).toEqual([0, 10, 20, 30, 40])
})

it('ends with its signal', async () => {
  const stop = new AbortController()
  const offered = offer({ total: 2, perSecond: 0.001, signal: stop.signal, start: async () => stop.abort() })
  await expect(offered).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }))
})
