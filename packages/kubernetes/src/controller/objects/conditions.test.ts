import { describe, expect, it } from 'vitest'
import { findCondition, withCondition, withoutCondition } from './conditions.ts'

describe('conditions', () => {
  const at = (seconds: number) => Date.UTC(2026, 0, 1, 0, 0, seconds) + 999
  const ready = { type: 'Ready', status: 'False', reason: 'Waiting', message: 'not yet' } as const

  it('move their time only with their status', () => {
    const first = withCondition(undefined, ready, at(1))
    expect(first).toEqual([{ ...ready, lastTransitionTime: '2026-01-01T00:00:01Z' }])
    const second = withCondition(first, { ...ready, reason: 'StillWaiting' }, at(5))
    expect(findCondition(second, 'Ready')).toMatchObject({
      reason: 'StillWaiting',
      lastTransitionTime: '2026-01-01T00:00:01Z',
    })
    const third = withCondition(second, { ...ready, status: 'True' }, at(9))
    expect(findCondition(third, 'Ready')?.lastTransitionTime).toBe('2026-01-01T00:00:09Z')
  })

  it('are those that are conditions, whatever was stored', () => {
    const stored = [null, 'Ready', { ...ready, lastTransitionTime: '2020-01-01T00:00:00Z' }] as never
    expect(findCondition(stored, 'Ready')?.reason).toBe('Waiting')
    expect(withCondition(stored, ready, at(1))).toEqual([{ ...ready, lastTransitionTime: '2020-01-01T00:00:00Z' }])
    expect(withoutCondition(stored, 'Ready')).toEqual([])
    expect(withCondition('all fine' as never, ready, at(1))).toHaveLength(1)
    expect(findCondition('all fine' as never, 'Ready')).toBeUndefined()
  })

  it('are the same array when nothing changes', () => {
    const first = withCondition([], { ...ready, observedGeneration: 3 }, at(1))
    expect(withCondition(first, { ...ready, observedGeneration: 3 }, at(7))).toBe(first)
    expect(withCondition(first, { ...ready, observedGeneration: 4 }, at(7))).not.toBe(first)
    expect(withoutCondition(first, 'Finished')).toBe(first)
    expect(withoutCondition(first, 'Ready')).toEqual([])
  })

  it('keep their place, and a time that was taken over', () => {
    const two = withCondition(withCondition([], ready, at(1)), { ...ready, type: 'Other' }, at(1))
    const forwarded = { ...ready, status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z' } as const
    const next = withCondition(two, forwarded, at(2))
    expect(next.map(({ type }) => type)).toEqual(['Ready', 'Other'])
    expect(next[0]?.lastTransitionTime).toBe('2020-01-01T00:00:00Z')
  })
})
