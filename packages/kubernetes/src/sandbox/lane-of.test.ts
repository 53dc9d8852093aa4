import { expect, it } from 'vitest'
import { laneOf } from './lane-of.ts'
import { controllerRef, extensionRef, storedSandbox } from './testing/stored-sandbox.ts'

const pool = extensionRef('SandboxWarmPool')
const claim = extensionRef('SandboxClaim')

it.each([
  ['by hand', undefined, 'False', 'normal'],
  ['by something else', controllerRef('Job', 'j', 'u'), 'False', 'normal'],
  ['by a pool', pool, 'False', 'background'],
  ['by a claim', claim, 'False', 'urgent'],
  ['by a claim, Ready', claim, 'True', 'normal'],
] as const)('a Sandbox made %s', (_, owner, status, expected) => {
  const ready = { type: 'Ready', status, reason: 'r', message: 'm', lastTransitionTime: '' }
  const ownerReferences = owner ? [owner] : []
  expect(laneOf(storedSandbox({ metadata: { ownerReferences }, status: { conditions: [ready] } }))).toBe(expected)
})
