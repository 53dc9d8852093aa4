import { expect, it } from 'vitest'
import { quarantineSpec } from './quarantine.ts'

it.each([
  [{}, {}],
  [
    { retention: '1h30m', reason: 'odd traffic' },
    { retention: '1h30m', reason: 'odd traffic' },
  ],
  [{ retention: '0s' }, { retention: '0s' }],
])('%j becomes %j', (options, spec) => {
  expect(quarantineSpec(options)).toEqual(spec)
})

it.each([
  ['--retention', { retention: '' }],
  ['--retention', { retention: '1d' }],
  ['--retention', { retention: '-1h' }],
  ['--reason', { reason: 'x'.repeat(1025) }],
])('refuses %s: %j', (field, options) => {
  expect(() => quarantineSpec(options)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  expect(() => quarantineSpec(options)).toThrow(field)
})
