import { SandboxState } from '@bulkhead/wire'
import { describe, expect, it } from 'vitest'
import { canBecome, hasEnded, hasKernel, transitions } from './state.ts'

const states = SandboxState.options
const ends: SandboxState[] = ['stopped', 'failed', 'lost']

/** Every state that can be reached from `from`. */
function reachable(from: SandboxState): Set<SandboxState> {
  const seen = new Set<SandboxState>()
  const visit = (state: SandboxState) => {
    for (const next of transitions[state]) {
      if (seen.has(next)) continue
      seen.add(next)
      visit(next)
    }
  }
  visit(from)
  return seen
}

describe('the state machine', () => {
  it('ends in exactly stopped, failed and lost', () => {
    expect(states.filter(hasEnded).sort()).toEqual([...ends].sort())
  })

  it('reaches every state from creating, and never creating again', () => {
    expect([...reachable('creating')].sort()).toEqual(states.filter((state) => state !== 'creating').sort())
  })

  it.each(states.filter((state) => !hasEnded(state)))('%s can be stopped, fail and be lost', (state) => {
    const after = reachable(state)
    expect(ends.every((end) => after.has(end))).toBe(true)
    if (state !== 'stopping') expect(canBecome(state, 'stopping')).toBe(true)
  })

  it.each(ends)('%s is final', (end) => {
    expect(states.some((state) => canBecome(end, state))).toBe(false)
  })

  it('stops only by way of stopping, so that the intent is on record before anything is removed', () => {
    expect(states.filter((state) => canBecome(state, 'stopped'))).toEqual(['stopping'])
  })

  it('has a kernel to take over in no state that is coming or going', () => {
    expect(states.filter(hasKernel)).toEqual(['running', 'paused', 'snapshotting'])
  })
})
