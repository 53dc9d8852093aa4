import { describe, expect, it } from 'vitest'
import { type ExitFacts, explainExit } from './explain-exit.ts'

const facts = (over: Partial<ExitFacts>): ExitFacts => ({
  end: { kind: 'exited', code: 0 },
  asked: false,
  outOfMemoryKills: 0,
  logTail: '',
  panic: '',
  ...over,
})
const exited = (code: number) => ({ kind: 'exited', code }) as const

describe('explainExit', () => {
  it.each<[string, Partial<ExitFacts>, object]>([
    ['asked for', { asked: true, end: exited(137), outOfMemoryKills: 1 }, { kind: 'stopped' }],
    ['powered off', {}, { kind: 'powered_off' }],
    ['powered off, long after a process was lost', { outOfMemoryKills: 1 }, { kind: 'powered_off' }],
    ['out of memory', { end: exited(137), outOfMemoryKills: 2 }, { kind: 'out_of_memory' }],
    ['the sentry killed', { end: exited(137) }, { kind: 'killed' }],
    ['runsc killed', { end: { kind: 'signalled', signal: 'SIGKILL' } }, { kind: 'killed' }],
    ['the holder killed', { end: { kind: 'lost' } }, { kind: 'killed' }],
    ['the sentry panicked', { end: exited(2), panic: 'panic: out of sorts\n\ngoroutine 1' }, { kind: 'panicked' }],
    ['the agent failed', { end: exited(1), logTail: 'boot failed' }, { kind: 'panicked' }],
    ['runsc failed', { end: exited(128), logTail: 'cannot create sandbox' }, { kind: 'crashed' }],
  ])('%s', (_, over, kind) => expect(explainExit(facts(over))).toMatchObject(kind))

  it('shows the last words of the guest bounded, in one line and without control characters', () => {
    const exit = explainExit(facts({ end: exited(1), logTail: '\u001b[31mred\nline\r\n'.repeat(1000) }))
    const detail = 'detail' in exit ? exit.detail : ''
    expect(detail).not.toMatch(/\p{Cc}/u)
    expect(detail.length).toBeLessThan(1200)
  })
})
