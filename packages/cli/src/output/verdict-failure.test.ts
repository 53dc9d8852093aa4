import { Evidence } from '@bulkhead/wire'
import { expect, it } from 'vitest'
import { renderEvidence } from './evidence.ts'
import { verdictFailure } from './verdict-failure.ts'

const unwitnessed = Evidence.parse({
  sandboxId: 'sb-x',
  takenAt: '2026-01-01T00:00:00Z',
  hostBootId: 'h',
  hostKernelRelease: '6.1',
  inside: {
    nonce: 'n',
    bootId: 'b',
    kernelRelease: '4.19.0-gvisor',
    kernelVersion: '#1',
    hostname: 'sb-x',
    machineId: 'm',
    uptimeMs: 1,
    wallClock: '2026-01-01T00:00:00Z',
  },
  missing: ['host: nobody looks'],
  verdict: { outcome: 'unknown', checks: [{ name: 'answer is fresh', held: true, detail: 'd' }] },
})

it('shows nothing of a host side that nobody has seen, and says so', () => {
  const text = renderEvidence(unwitnessed)
  expect(text).toContain('(not seen)')
  expect(text).toContain('host: nobody looks')
  expect(text).not.toMatch(/capabilities|network interfaces|seccomp|pid/)
  expect(text).toMatch(/UNKNOWN\n$/)
})

it.each([
  ['evidence_unwitnessed', unwitnessed],
  ['evidence_unknown', { ...unwitnessed, inside: undefined }],
  ['evidence_violated', { ...unwitnessed, verdict: { ...unwitnessed.verdict, outcome: 'violated' } }],
] as [string, Evidence][])('%s', (code, evidence) => {
  expect(verdictFailure(evidence)?.code).toBe(code)
})
