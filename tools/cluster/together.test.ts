import { expect, it } from 'vitest'
import { together } from './together.ts'

const never = new AbortController().signal

it('gives the results in order', async () => {
  expect(await together(never, [async () => 1, async () => 2])).toEqual([1, 2])
})

it('ends the others after the first failure, and waits for their end', async () => {
  let ended = false
  const slow = (signal: AbortSignal) =>
    new Promise<void>((resolve) =>
      signal.addEventListener('abort', () =>
        setImmediate(() => {
          ended = true
          resolve()
        })
      )
    )
  const broken = async () => {
    throw new Error('broken')
  }
  await expect(together(never, [slow, broken])).rejects.toThrow('broken')
  expect(ended).toBe(true)
})

it('passes an abort on', async () => {
  const abort = new AbortController()
  const waits = (signal: AbortSignal) =>
    new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const all = together(abort.signal, [waits, waits])
  abort.abort(new Error('Ctrl-C'))
  await expect(all).rejects.toThrow('Ctrl-C')
})
