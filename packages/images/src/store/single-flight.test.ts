import { describe, expect, it } from 'vitest'
import type { Progress } from '../contract.ts'
import { SingleFlight } from './single-flight.ts'

const silent = () => {}

describe('SingleFlight', () => {
  it('does the work once and tells everyone', async () => {
    const flights = new SingleFlight<string>()
    const gate = Promise.withResolvers<string>()
    let starts = 0
    let tell: Progress = silent
    const start = (progress: Progress) => {
      starts += 1
      tell = progress
      return gate.promise
    }
    const heard: string[] = []
    const callers = [0, 1].map((caller) =>
      flights.join('key', start, ({ step }) => heard.push(`${caller} ${step}`), new AbortController().signal)
    )
    tell({ step: 'half' })
    gate.resolve('done')
    expect(await Promise.all(callers)).toEqual(['done', 'done'])
    expect([starts, heard]).toEqual([1, ['0 half', '1 half']])
    expect(await flights.join('key', async () => 'anew', silent, new AbortController().signal)).toBe('anew')
  })

  it('lets one caller leave without ending the work', async () => {
    const flights = new SingleFlight<string>()
    const gate = Promise.withResolvers<string>()
    const leaving = new AbortController()
    const leaves = flights.join('key', () => gate.promise, silent, leaving.signal)
    const stays = flights.join('key', () => gate.promise, silent, new AbortController().signal)
    leaving.abort(new Error('left'))
    await expect(leaves).rejects.toThrow('left')
    gate.resolve('done')
    expect(await stays).toBe('done')
  })

  it('aborts the work with the last caller, who waits for its clean-up', async () => {
    const flights = new SingleFlight<string>()
    const leaving = new AbortController()
    const cleanUp = Promise.withResolvers<void>()
    let settled = false
    const start = async (_: Progress, signal: AbortSignal): Promise<string> => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      await cleanUp.promise
      throw signal.reason
    }
    const pulled = flights.join('key', start, silent, leaving.signal).finally(() => {
      settled = true
    })
    leaving.abort(new Error('left'))
    await new Promise(setImmediate)
    expect(settled).toBe(false)
    cleanUp.resolve()
    await expect(pulled).rejects.toThrow('left')
  })

  it('fails for all when the work fails, and starts anew after that', async () => {
    const flights = new SingleFlight<string>()
    const fail = () => Promise.reject(new Error('no'))
    const signal = new AbortController().signal
    const both = await Promise.allSettled([
      flights.join('key', fail, silent, signal),
      flights.join('key', fail, silent, signal),
    ])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await flights.join('key', async () => 'yes', silent, signal)).toBe('yes')
  })
})
