import { failure } from '@bulkhead/wire'
import { expect, it } from 'vitest'
import { ApiError } from './api-error.ts'
import { toFailure } from './to-failure.ts'
import { TransportError } from './transport-error.ts'

it('tells a user what the cluster said, without repeating itself', () => {
  const operation = 'POST pods default/a'
  const denied = toFailure(new ApiError(operation, 403, { reason: 'Forbidden', message: 'no' }))
  expect(denied).toMatchObject({
    code: 'cluster_access_denied',
    message: 'the cluster does not allow it: POST pods default/a: 403 Forbidden: no',
  })
  expect(toFailure(new ApiError(operation, 422, { reason: 'Invalid', message: 'spec' }))).toMatchObject({
    code: 'cluster_request_failed',
    message: 'the cluster refused: POST pods default/a: 422 Invalid: spec',
  })
  expect(toFailure(new TransportError(operation, true, new Error('ECONNREFUSED')))).toMatchObject({
    code: 'cluster_unreachable',
    facts: { operation, reason: 'ECONNREFUSED' },
  })
  const lost = failure('leadership_lost', { lease: 'a/b', reason: 'c' })
  expect(toFailure(lost)).toBe(lost)
  expect(toFailure(new Error('else'))).toBeUndefined()
})
