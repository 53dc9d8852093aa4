import { describe, expect, it } from 'vitest'
import type { KernelStatus, NodeWitnessStatus, WitnessedPod } from '../api/index.ts'
import { isAlarming, kernelStatus, settledKernel } from './kernel-status.ts'

const observedAt = '2026-01-01T00:00:00Z'
const witness = (more: NodeWitnessStatus = {}) =>
  ({ metadata: { name: 'n' }, status: { observedAt, bootID: 'b', kernelRelease: '6', ...more } }) as never
const pod = (more: Partial<WitnessedPod> = {}): WitnessedPod => ({
  uid: 'u',
  namespace: 'ns',
  name: 'a',
  class: 'userspace',
  handler: 'runsc',
  verdict: 'Isolated',
  reason: 'OwnKernel',
  since: observedAt,
  ...more,
})
const isolated: KernelStatus = {
  class: 'userspace',
  runtime: 'runsc',
  verdict: 'Isolated',
  reason: 'OwnKernel',
  checkedAt: observedAt,
}

describe('the kernel in a status', () => {
  it('is as the witness says', () => expect(kernelStatus(witness(), pod(), false)).toEqual(isolated))

  it('has the inside of the node’s own kernel', () => {
    expect(
      kernelStatus(witness(), pod({ class: 'shared', verdict: 'Mismatch', reason: 'NodeKernel' }), false)
    ).toMatchObject({
      class: 'shared',
      bootID: 'b',
      release: '6',
    })
  })

  it.each([
    ['the witness is silent', pod(), true, {}, { verdict: 'Unknown', reason: 'WitnessSilent', runtime: 'runsc' }],
    ['it is silent, and never knew it', undefined, true, {}, { verdict: 'Unknown', reason: 'WitnessSilent' }],
    ['there were too many', undefined, false, { podsLeftOut: 1 }, { verdict: 'Unknown', reason: 'NotSeen' }],
    ['nobody has looked', undefined, false, {}, undefined],
  ])('when %s', (_, seen, silent, more, expected) => {
    const kernel = kernelStatus(witness(more), seen, silent)
    expect(kernel).toEqual(expected && { ...expected, checkedAt: observedAt })
  })
})

describe('what is written of it', () => {
  const later = { ...isolated, checkedAt: '2026-01-01T00:04:59Z' }
  const muchLater = { ...isolated, checkedAt: '2026-01-01T00:05:00Z' }
  it.each([
    ['the same, a moment later', isolated, later, isolated],
    ['the same, much later', isolated, muchLater, muchLater],
    ['another', isolated, { ...later, verdict: 'Unknown' as const }, { ...later, verdict: 'Unknown' }],
    ['the first', undefined, isolated, isolated],
    ['none any more', isolated, undefined, undefined],
  ])('%s', (_, before, seen, expected) => expect(settledKernel(before, seen)).toEqual(expected))

  it.each([
    ['the first, and good', undefined, isolated, false],
    ['the first, and bad', undefined, { ...isolated, verdict: 'Mismatch' as const }, true],
    [
      'the first, and shared as nobody promised otherwise',
      undefined,
      { ...isolated, verdict: 'Shared' as const },
      false,
    ],
    ['only later', isolated, muchLater, false],
    ['no longer good', isolated, { ...isolated, verdict: 'Unknown' as const }, true],
    ['good again', { ...isolated, verdict: 'Unknown' as const }, isolated, true],
    ['none, as before', undefined, undefined, false],
  ])('at once or not: %s', (_, before, after, expected) => expect(isAlarming(before, after)).toBe(expected))
})
