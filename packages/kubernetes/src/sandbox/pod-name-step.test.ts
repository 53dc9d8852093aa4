import { expect, it } from 'vitest'
import { annotation } from '../api/index.ts'
import type { PodState } from './plan-status.ts'
import { planPodName } from './pod-name-step.ts'
import { storedPod, storedSandbox } from './testing/stored-sandbox.ts'

const owned: PodState = { kind: 'owned', pod: storedPod() }

it.each([
  ['missing', undefined, 'Running', owned, 'my-sandbox'],
  ['right', 'my-sandbox', 'Running', owned, undefined],
  ['stale', 'other', 'Running', owned, 'my-sandbox'],
  ['early', 'my-sandbox', 'Running', { kind: 'absent' }, undefined],
  ['of a Pod that ends', 'my-sandbox', 'Suspended', owned, undefined],
  ['of a Pod that has ended', 'my-sandbox', 'Suspended', { kind: 'absent' }, null],
  ['none, while suspended', undefined, 'Suspended', { kind: 'absent' }, undefined],
  ['of somebody’s Pod', 'my-sandbox', 'Suspended', { kind: 'foreign', error: '' }, undefined],
  ['of one of several', 'my-sandbox', 'Running', { kind: 'several', count: 2 }, undefined],
  ['of nobody knows which', 'my-sandbox', 'Running', { kind: 'unknown' }, undefined],
] as const)('an annotation that is %s', (_, named, operatingMode, state, expected) => {
  const annotations = named ? { [annotation.podName]: named } : {}
  expect(planPodName(storedSandbox({ metadata: { annotations }, spec: { operatingMode } }), state)).toBe(expected)
})
