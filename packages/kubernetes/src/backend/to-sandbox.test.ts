import { expect, it } from 'vitest'
import type { SandboxClaim } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import type { CachedPod } from './cached-pod.ts'
import { key } from './keys.ts'
import { planSettlement } from './plan-settlement.ts'
import type { SandboxRecord } from './sandbox-record.ts'
import { toSandbox } from './to-sandbox.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const hour = 3_600_000
const at = (ms: number) => new Date(now + ms).toISOString()
const given = { name: 'sb-a', uid: 'u1', bootId: 'b' }

const base: SandboxRecord = {
  version: 1,
  image: 'debian',
  imageDigest: 'sha256:1',
  runtime: 'gvisor',
  isolation: 'userspace',
  runtimeClass: 'gvisor',
  memoryBytes: 1,
  cpus: 1,
  diskBytes: 1,
  metadata: { a: 'b' },
  createdAt: at(-hour),
  origin: 'boot',
  pod: given,
}

const claim = (record: unknown, more: { shutdownTime?: string; deletionTimestamp?: string } = {}) => {
  const { shutdownTime, ...metadata } = more
  return {
    metadata: { name: 'sb-a', uid: 'c1', annotations: { [key.record]: JSON.stringify(record) }, ...metadata },
    spec: { warmPoolRef: { name: 'p' }, ...(shutdownTime && { lifecycle: { shutdownTime } }) },
  } as unknown as Stored<SandboxClaim>
}
const pod = (status: object, uid = 'u1', more: object = {}) =>
  ({ metadata: { name: 'sb-a', uid, ...more }, spec: {}, status }) as unknown as Stored<CachedPod>
const running = pod({ phase: 'Running' })
const { pod: _, ...making } = base

it.each([
  ['being made', claim(making, { shutdownTime: at(hour) }), undefined, 'creating', 'none'],
  ['being made, with a Pod already', claim(making, { shutdownTime: at(hour) }), running, 'creating', 'none'],
  [
    'being made, too slowly: the operator ends it',
    claim(making, { shutdownTime: at(-1) }),
    undefined,
    'creating',
    'none',
  ],
  ['running', claim(base), running, 'running', 'none'],
  ['running until its deadline', claim(base, { shutdownTime: at(hour) }), running, 'running', 'wait'],
  ['at its deadline', claim(base, { shutdownTime: at(0) }), running, 'stopped', 'end'],
  ['past it, with its Pod gone', claim(base, { shutdownTime: at(-1) }), undefined, 'stopped', 'end'],
  ['powered off', claim(base), pod({ phase: 'Succeeded' }), 'stopped', 'end'],
  ['killed', claim(base), pod({ phase: 'Failed' }), 'failed', 'end'],
  [
    'of a Pod that somebody is removing',
    claim(base),
    pod({ phase: 'Running' }, 'u1', { deletionTimestamp: at(0) }),
    'lost',
    'end',
  ],
  ['of a Pod that is not in the cache', claim(base), undefined, 'running', 'findPod'],
  ['of a Pod that has another in its place', claim(base), pod({ phase: 'Running' }, 'u2'), 'running', 'findPod'],
  ['deleted as an object', claim(base, { deletionTimestamp: at(0) }), running, 'stopping', 'none'],
  ['ended', claim({ ...base, ended: { state: 'lost', reason: 'r', at: at(-1) } }), running, 'lost', 'wait'],
  ['ended long ago', claim({ ...base, ended: { state: 'stopped', at: at(-hour) } }), undefined, 'stopped', 'forget'],
])('one that is %s', (_, claim, pod, state, settlement) => {
  expect(toSandbox({ claim, pod }, now)).toMatchObject({ id: 'sb-a', state })
  expect(planSettlement({ claim, pod }, now, hour).kind).toBe(settlement)
})

it('shows what is the caller’s, and nothing else', () => {
  const shown = toSandbox({ claim: claim(base, { shutdownTime: at(hour) }), pod: running }, now)
  const { version: _, runtimeClass: __, pod: ___, ...rest } = base
  expect(shown).toEqual({ ...rest, id: 'sb-a', state: 'running', deadlineAt: at(hour) })
})

it('shows no deadline of one that is being made, or has ended', () => {
  expect(toSandbox({ claim: claim(making, { shutdownTime: at(hour) }), pod: undefined }, now)).not.toHaveProperty(
    'deadlineAt'
  )
  expect(toSandbox({ claim: claim(base, { shutdownTime: at(-1) }), pod: undefined }, now)).not.toHaveProperty(
    'deadlineAt'
  )
})

it.each([undefined, null, {}, 'text', { ...base, version: 2 }, { ...base, isolation: 'none' }, { ...base, pod: 'p' }])(
  'takes no claim for a sandbox whose record is %j',
  (record) => {
    expect(toSandbox({ claim: claim(record), pod: running }, now)).toBeUndefined()
    expect(planSettlement({ claim: claim(record), pod: running }, now, hour)).toEqual({ kind: 'none' })
  }
)
