import { expect, it } from 'vitest'
import { annotation } from '../api/index.ts'
import { type Stamps, stampsPatch } from './stamps.ts'
import { aClaim } from './testing/objects.ts'

const { sandboxName, controllerFirstObservedAt, claimFirstReadyAt } = annotation

it.each<[string, Parameters<typeof aClaim>[0], Stamps, object | undefined]>([
  ['nothing new', {}, { sandboxName: null }, undefined],
  [
    'all in one',
    {},
    { sandboxName: 's', observedAt: 'o', readyAt: 'r' },
    { annotations: { [sandboxName]: 's', [controllerFirstObservedAt]: 'o', [claimFirstReadyAt]: 'r' } },
  ],
  [
    'what is stamped stays',
    { annotations: { [sandboxName]: 's', [controllerFirstObservedAt]: 'before', [claimFirstReadyAt]: 'before' } },
    { sandboxName: 's', observedAt: 'o', readyAt: 'r' },
    undefined,
  ],
  [
    'a new assignment in place of the old',
    { annotations: { [sandboxName]: 'old' } },
    { sandboxName: 's' },
    { annotations: { [sandboxName]: 's' } },
  ],
  [
    'an assignment taken back',
    { annotations: { [sandboxName]: 'old' } },
    { sandboxName: null },
    { annotations: { [sandboxName]: null } },
  ],
  [
    'what was said too early',
    { annotations: { [claimFirstReadyAt]: 'early' } },
    { sandboxName: null, readyAt: null },
    { annotations: { [claimFirstReadyAt]: null } },
  ],
  ['nothing to take back', {}, { sandboxName: null, readyAt: null }, undefined],
  [
    'the label of older versions',
    { labels: { [sandboxName]: 's' } },
    { sandboxName: 's' },
    { annotations: { [sandboxName]: 's' }, labels: { [sandboxName]: null } },
  ],
])('%s', (_, metadata, stamps, expected) => {
  expect(stampsPatch(aClaim(metadata), stamps)?.metadata).toEqual(expected)
})
