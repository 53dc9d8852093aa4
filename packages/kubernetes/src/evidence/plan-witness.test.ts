import type { CriPod } from '@bulkhead/witness/cri'
import type { Sighting } from '@bulkhead/witness/node'
import { describe, expect, it } from 'vitest'
import type { Stored } from '../controller/index.ts'
import { isSame, type Look, planWitness } from './plan-witness.ts'
import type { WitnessPod } from './witness-pod.ts'

const wallMs = Date.parse('2026-01-01T01:00:00Z')
const process = { pid: 7, executable: '/bin/runsc', uid: 65_534, seccomp: 2, capabilities: [], ownUserNamespace: true }
const own: Sighting = { kind: 'own-kernel', class: 'userspace', process }
const nodes: Sighting = {
  kind: 'node-kernel',
  executable: '/pause',
  process: { ...process, capabilities: ['CAP_CHOWN'], ownUserNamespace: false },
}

const pod = (name: string, more: { uid?: string; runtimeClassName?: string; phase?: string; config?: string } = {}) =>
  ({
    metadata: {
      namespace: 'ns',
      name,
      uid: more.uid ?? `uid-${name}`,
      ...(more.config && { annotations: { 'kubernetes.io/config.mirror': more.config } }),
    },
    spec: more.runtimeClassName ? { runtimeClassName: more.runtimeClassName } : {},
    status: { phase: more.phase ?? 'Running' },
  }) as unknown as Stored<WitnessPod>
const cri = (name: string, handler = '', more: Partial<CriPod> = {}): CriPod => ({
  sandboxId: `sandbox-${name}`,
  uid: `uid-${name}`,
  namespace: 'ns',
  name,
  ready: true,
  handler,
  createdAt: new Date('2026-01-01T00:00:00Z'),
  process: { pid: 7, runtimeType: 'io.containerd.runsc.v1' },
  containers: [],
  ...more,
})
const runtimeClasses = new Map([['gvisor', { metadata: { name: 'gvisor' }, handler: 'runsc' } as never]])
const plan = (look: Partial<Look>, before?: Parameters<typeof planWitness>[1]) =>
  planWitness(
    { pods: [], running: [], runtimeClasses, node: { bootID: 'b', kernelRelease: '6' }, wallMs, ...look },
    before
  )

describe('what a witness writes', () => {
  it('has what was asked for, what was used and what was seen', () => {
    const status = plan({
      pods: [pod('a', { runtimeClassName: 'gvisor' })],
      running: [{ pod: cri('a', 'runsc'), sighting: own }],
    })
    expect(status).toEqual({
      bootID: 'b',
      kernelRelease: '6',
      observedAt: '2026-01-01T01:00:00Z',
      mismatches: 0,
      podsLeftOut: 0,
      pods: [
        {
          uid: 'uid-a',
          namespace: 'ns',
          name: 'a',
          class: 'userspace',
          handler: 'runsc',
          runtime: 'runsc io.containerd.runsc.v1',
          process: { executable: '/bin/runsc', uid: 65_534, seccomp: 2 },
          verdict: 'Isolated',
          reason: 'OwnKernel',
          message: '"/bin/runsc" is its kernel',
          since: '2026-01-01T01:00:00Z',
        },
      ],
    })
  })

  it('has the worst first, and leaves out the best when they are too many', () => {
    const names = Array.from({ length: 260 }, (_, at) => `pod-${String(at).padStart(3, '0')}`)
    const status = plan({
      pods: [...names.map((name) => pod(name)), pod('z', { runtimeClassName: 'gvisor' })],
      running: [
        ...names.map((name) => ({ pod: cri(name), sighting: own })),
        { pod: cri('z', 'runsc'), sighting: nodes },
      ],
    })
    expect(status).toMatchObject({ mismatches: 1, podsLeftOut: 11 })
    expect(status.pods).toHaveLength(250)
    expect(status.pods?.[0]).toMatchObject({ name: 'z', verdict: 'Mismatch', class: 'shared' })
  })

  it('keeps since when a verdict stands, until it or its reason is another', () => {
    const look = { pods: [pod('a')], running: [{ pod: cri('a'), sighting: nodes }] }
    const before = plan(look)
    const later = plan({ ...look, wallMs: wallMs + 60_000 }, before)
    expect(later.pods).toEqual(before.pods)
    expect(isSame(before, later)).toBe(true)
    const changed = plan({ ...look, running: [{ pod: cri('a'), sighting: own }], wallMs: wallMs + 60_000 }, before)
    expect(changed.pods?.[0]?.since).toBe('2026-01-01T01:01:00Z')
    expect(isSame(before, changed)).toBe(false)
  })

  it('names capabilities only where they count', () => {
    const look = { pods: [pod('a')], running: [{ pod: cri('a'), sighting: nodes }] }
    expect(plan(look).pods?.[0]?.process?.capabilities).toEqual(['CAP_CHOWN'])
  })

  it('knows a static Pod by the uid that its node knows it by', () => {
    const look = { pods: [pod('a', { uid: 'mirror', config: 'uid-a' })], running: [{ pod: cri('a'), sighting: nodes }] }
    expect(plan(look).pods).toMatchObject([{ uid: 'mirror', verdict: 'Shared' }])
  })

  it.each([
    ['that runs here and is in no API server', { running: [{ pod: cri('a'), sighting: nodes }] }, 'NotInAPIServer'],
    ['that should run', { pods: [pod('a')] }, 'NotRunning'],
  ])('does not know of a Pod %s', (_, look, reason) => {
    expect(plan(look).pods).toMatchObject([{ name: 'a', verdict: 'Unknown', reason }])
  })

  it.each([
    ['one that is not to run yet', { pods: [pod('a', { phase: 'Pending' })] }],
    ['one that has ended', { pods: [pod('a', { phase: 'Succeeded' })] }],
    [
      'one so new that the API server may not have told of it yet',
      { running: [{ pod: cri('a', '', { createdAt: new Date(wallMs - 1_000) }), sighting: nodes }] },
    ],
  ])('says nothing of %s', (_, look) => expect(plan(look).pods).toEqual([]))
})
