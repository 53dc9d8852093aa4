import { expect, it } from 'vitest'
import { Expectations } from './expectations.ts'
import { ManualClock } from './testing/manual-clock.ts'

it('is satisfied when everything that was asked for has been seen', () => {
  const expectations = new Expectations(new ManualClock())
  expect(expectations.satisfied('ns/pool')).toBe(true)
  expectations.expectCreate('ns/pool', 'a')
  expectations.expectCreate('ns/pool', 'b')
  expectations.expectDelete('ns/pool', 'uid-1')
  expectations.created('ns/pool', 'a')
  expectations.created('ns/pool', 'a') // a resent event
  expectations.created('ns/pool', 'never asked for')
  expectations.deleted('ns/other', 'uid-1')
  expect(expectations.pending('ns/pool')).toEqual({ creates: 1, deletes: 1 })
  expectations.created('ns/pool', 'b')
  expect(expectations.satisfied('ns/pool')).toBe(false)
  expectations.deleted('ns/pool', 'uid-1')
  expect(expectations.satisfied('ns/pool')).toBe(true)
})

it('gives up on what was not seen for too long', () => {
  const clock = new ManualClock()
  const expectations = new Expectations(clock, 1_000)
  expectations.expectCreate('ns/pool', 'a')
  clock.advance(999)
  expectations.expectCreate('ns/pool', 'b')
  clock.advance(999)
  expect(expectations.satisfied('ns/pool')).toBe(false)
  clock.advance(1)
  expect(expectations.satisfied('ns/pool')).toBe(true)
  expect(expectations.pending('ns/pool')).toEqual({ creates: 0, deletes: 0 })
})

it('forgets a key with its object', () => {
  const expectations = new Expectations(new ManualClock())
  expectations.expectDelete('ns/pool', 'u')
  expectations.forget('ns/pool')
  expect(expectations.satisfied('ns/pool')).toBe(true)
})
