import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Interruption } from '../interruption.ts'
import { ForwardedSignals } from './forwarded-signals.ts'

let signals: ForwardedSignals
beforeEach(() => {
  vi.useFakeTimers()
  signals = new ForwardedSignals()
})
afterEach(() => {
  signals[Symbol.dispose]()
  vi.useRealTimers()
})

/** As if it had been sent to this process. */
const send = async (name: 'SIGINT' | 'SIGTERM', ms = 0) => {
  process.emit(name, name)
  await vi.advanceTimersByTimeAsync(ms)
}
const reason = () => (signals.signal.reason as Interruption | undefined)?.signal

it('ends everything before the command runs', async () => {
  await send('SIGTERM')
  expect(signals.signal.reason).toBeInstanceOf(Interruption)
  expect(reason()).toBe('SIGTERM')
})

it('passes the first of each on to the command, and ends everything on the second', async () => {
  const got: number[] = []
  signals.forwardTo(async (number) => got.push(number) > 0)
  await send('SIGINT', 60_000)
  await send('SIGTERM', 60_000)
  expect(got).toEqual([2, 15])
  expect(reason()).toBeUndefined()
  await send('SIGINT')
  expect(got).toEqual([2, 15])
  expect(reason()).toBe('SIGINT')
})

it('ends everything once the command has ended', async () => {
  const got: number[] = []
  const forwarding = signals.forwardTo(async (number) => got.push(number) > 0)
  forwarding[Symbol.dispose]()
  await send('SIGTERM')
  expect(got).toEqual([])
  expect(reason()).toBe('SIGTERM')
})

it.each([
  ['says that there is no process', async () => false],
  ['cannot be reached', async () => Promise.reject(new Error('gone'))],
])('ends everything when the guest %s', async (_, deliver) => {
  signals.forwardTo(deliver)
  await send('SIGTERM')
  expect(reason()).toBe('SIGTERM')
})

it('ends everything when the guest does not answer', async () => {
  signals.forwardTo(() => new Promise(() => {}))
  await send('SIGTERM', 2999)
  expect(reason()).toBeUndefined()
  await vi.advanceTimersByTimeAsync(1)
  expect(reason()).toBe('SIGTERM')
})
