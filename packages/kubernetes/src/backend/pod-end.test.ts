import { expect, it } from 'vitest'
import type { CachedPod } from './cached-pod.ts'
import { podEnd } from './pod-end.ts'

const ended = (terminated: object, more: object = {}): CachedPod['status'] =>
  ({
    phase: 'Failed',
    containerStatuses: [{ name: 'sandbox', state: { terminated } }],
    ...more,
  }) as unknown as CachedPod['status']

it.each<[string, CachedPod['status'], string | undefined, RegExp]>([
  ['runs', { phase: 'Running' }, undefined, /^$/],
  ['waits', { phase: 'Pending' }, undefined, /^$/],
  ['is not known', {}, undefined, /^$/],
  ['powered itself off', { phase: 'Succeeded' }, 'stopped', /powered itself off/],
  ['was killed', ended({ exitCode: 137, reason: 'Error' }), 'failed', /^killed from outside: exit code 137$/],
  ['was killed by number', ended({ exitCode: 0, signal: 9 }), 'failed', /^killed/],
  [
    'crashed',
    ended({ exitCode: 2, message: 'panic:\n\u001b[31mred' }),
    'failed',
    /crashed: exit code 2, panic: \[31mred$/,
  ],
  ['ran out of memory', ended({ exitCode: 137, reason: 'OOMKilled' }), 'failed', /^out of memory/],
  [
    'was evicted',
    { phase: 'Failed', reason: 'Evicted', message: 'low on disk' },
    'failed',
    /^killed .*Evicted: low on disk/,
  ],
  [
    'did not get the agent',
    {
      phase: 'Failed',
      initContainerStatuses: [{ state: { terminated: { exitCode: 1 } } }],
    } as unknown as CachedPod['status'],
    'failed',
    /guest agent .*exit code 1/,
  ],
  ['left no word', { phase: 'Failed' }, 'failed', /^killed/],
])('a Pod that %s', (_, status, state, reason) => {
  const end = podEnd({ status })
  expect(end?.state).toBe(state)
  expect(end?.reason ?? '').toMatch(reason)
})
