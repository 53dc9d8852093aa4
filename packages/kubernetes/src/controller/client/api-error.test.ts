import { expect, it } from 'vitest'
import { ApiError, isNamespaceTerminating } from './api-error.ts'

it.each([
  ['it is being deleted', 403, { causes: [{ reason: 'NamespaceTerminating' }] }, true],
  ['it is gone', 404, { kind: 'namespaces', name: 'a' }, true],
  ['the object is gone', 404, { kind: 'sandboxes', name: 'a' }, false],
  ['it is forbidden', 403, { kind: 'sandboxes' }, false],
])('a namespace takes nothing new: %s', (_, code, details, expected) => {
  expect(isNamespaceTerminating(new ApiError('POST', code, { details }))).toBe(expected)
})
