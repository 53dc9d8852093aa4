import { describe, expect, it } from 'vitest'
import { ApiError, TransportError } from '../controller/index.ts'
import { endsPass, isHiccup, joined, NotOursError, OvertakenError, textOf } from './pass-errors.ts'

const answered = (code: number, reason: string, causes: { reason: string }[] = []) =>
  new ApiError('POST pods a', code, { reason, details: { causes } })

describe('an error', () => {
  it.each([
    ['conflict', answered(409, 'Conflict'), 'ends the pass'],
    ['namespace that ends', answered(403, 'Forbidden', [{ reason: 'NamespaceTerminating' }]), 'ends the pass'],
    ['overtaken', new OvertakenError('gone'), 'ends the pass'],
    ['cut', new TransportError('POST pods a', false, new Error('cut')), 'hiccup'],
    ['too many requests', answered(429, 'TooManyRequests'), 'hiccup'],
    ['broken server', answered(500, 'InternalError'), 'hiccup'],
    [
      'several hiccups',
      new AggregateError([answered(500, 'InternalError'), answered(503, 'ServiceUnavailable')]),
      'hiccup',
    ],
    ['a hiccup and more', new AggregateError([answered(500, 'InternalError'), new Error('x')]), 'the Sandbox’s'],
    ['refused', answered(403, 'Forbidden'), 'the Sandbox’s'],
    ['invalid', answered(422, 'Invalid'), 'the Sandbox’s'],
    ['name taken', answered(409, 'AlreadyExists'), 'the Sandbox’s'],
    ['in the way', new NotOursError('is owned by'), 'the Sandbox’s'],
  ])('%s', (_, error, expected) => {
    expect(endsPass(error) ? 'ends the pass' : isHiccup(error) ? 'hiccup' : 'the Sandbox’s').toBe(expected)
  })

  it('of several says all', () => {
    const [one, two] = [new Error('one'), new Error('two')]
    expect(joined([one])).toBe(one)
    expect(textOf(joined([one, two]))).toBe('one; two')
    expect(textOf('three')).toBe('three')
  })
})
