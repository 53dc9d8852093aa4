import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { tellWhenSlow } from './tell-when-slow.ts'

const wasTerminal = process.stderr.isTTY
let written = ''
beforeEach(() => {
  written = ''
  vi.useFakeTimers()
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written += String(text)
    return true
  })
  process.stderr.isTTY = true
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  process.stderr.isTTY = wasTerminal
})

it('says nothing of a start that is quick', () => {
  tellWhenSlow('qemu')[Symbol.dispose]()
  vi.runAllTimers()
  expect(written).toBe('')
})

it('says that a template is booted, and takes it back', () => {
  const slow = tellWhenSlow('qemu')
  vi.runAllTimers()
  expect(written).toContain('boots a template once')
  written = ''
  slow[Symbol.dispose]()
  expect(written).toBe('\r\u001b[K')
})

it.each([
  ['of gVisor, which has no templates', 'gvisor', true],
  ['without a terminal', 'qemu', false],
])('says nothing of a template %s', (_, runtime, terminal) => {
  process.stderr.isTTY = terminal
  using _slow = tellWhenSlow(runtime)
  vi.runAllTimers()
  expect(written).not.toContain('template')
})
