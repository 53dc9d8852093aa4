import { expect, it } from 'vitest'
import { InputBackoff } from './input-backoff.ts'

it('lets the first attempt through, and doubles the wait with each failure', () => {
  const backoff = new InputBackoff({ baseMs: 100, maxMs: 300 })
  expect(backoff.waitMs('a', 0)).toBe(0)
  const waits = [0, 1_000, 2_000, 3_000].map((now) => {
    backoff.failed('a', now)
    return backoff.waitMs('a', now)
  })
  expect(waits).toEqual([100, 200, 300, 300])
  expect(backoff.waitMs('a', 3_299)).toBe(1)
  expect(backoff.waitMs('a', 3_300)).toBe(0)
})

it('begins anew with another input', () => {
  const backoff = new InputBackoff({ baseMs: 100, maxMs: 10_000 })
  for (const now of [0, 0, 0]) backoff.failed('a', now)
  expect(backoff.waitMs('a', 0)).toBe(400)
  expect(backoff.waitMs('b', 0)).toBe(0)
  backoff.failed('b', 0)
  expect(backoff.waitMs('b', 0)).toBe(100)
})

it('begins anew after a success, and after a long time without a failure', () => {
  const backoff = new InputBackoff({ baseMs: 100, maxMs: 10_000, forgetAfterMs: 60_000 })
  backoff.failed('a', 0)
  backoff.failed('a', 0)
  backoff.succeeded()
  expect(backoff.waitMs('a', 0)).toBe(0)
  backoff.failed('a', 0)
  backoff.failed('a', 59_999)
  expect(backoff.waitMs('a', 59_999)).toBe(200)
  backoff.failed('a', 119_999)
  expect(backoff.waitMs('a', 119_999)).toBe(100)
})
