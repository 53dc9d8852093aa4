import { describe, expect, it } from 'vitest'
import { expectedLoss, planChanges, planExactly, planGreedily } from './changes.ts'
import type { PlacedPod } from './facts.ts'
import { own, placed as pod } from './testing/facts.ts'

/** A small generator with a seed: the same cases each time. */
function randomPods(seed: number): PlacedPod[] {
  let state = seed
  const next = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 16) % below
  }
  return Array.from({ length: 10 + next(30) }, (_, n) => ({ ...pod(`n${next(5)}`, `w${next(8)}`), name: `p${n}` }))
}

describe('the expected loss', () => {
  it('is all pods of a node, as likely as that one of its workloads falls', () => {
    const pods = [pod('n', 'x'), pod('n', 'y'), pod('n', 'system', { trusted: true })]
    expect(expectedLoss(pods, { compromise: 0.1 })).toBeCloseTo(3 * (1 - 0.9 ** 2))
  })

  it('of pods with kernels of their own is these pods', () => {
    expect(expectedLoss([pod('n', 'x', own), pod('n', 'y', own)], { compromise: 0.1 })).toBeCloseTo(0.2)
  })

  it('of a pod on an unknown kernel is that of a shared one', () => {
    expect(expectedLoss([pod('n', 'x', { kernel: 'unknown' }), pod('n', 'y')])).toBe(
      expectedLoss([pod('n', 'x'), pod('n', 'y')])
    )
  })
})

describe('the expected loss on nodes that share a kernel', () => {
  it('is that of one node', () => {
    const machine = { nodeKernel: 'm' }
    expect(expectedLoss([pod('n1', 'x', machine), pod('n2', 'y', machine)])).toBe(
      expectedLoss([pod('m', 'x'), pod('m', 'y')])
    )
  })
})

describe('the shortest list of changes', () => {
  it('begins with the workload that endangers most', () => {
    const crowded = Array.from({ length: 9 }, (_, n) => pod('big', `quiet${n}`, { trusted: true }))
    const changes = planGreedily([...crowded, pod('big', 'loud'), pod('small', 'other')], 1)
    expect(changes).toMatchObject([{ workload: 'a/loud', pods: 1, obstacles: [] }])
  })

  it('names what stands in the way', () => {
    const held = pod('n', 'x', {
      privileged: true,
      hostPaths: [{ path: '/', writable: false }],
      hostNamespaces: ['network'],
      capabilities: ['SYS_ADMIN'],
    })
    const [change] = planGreedily([held, pod('n', 'system', { trusted: true })], 1)
    expect(change?.obstacles).toEqual(['capability SYS_ADMIN', 'host network namespace', 'hostPath /', 'privileged'])
  })

  it('closes the way around a kernel that is there', () => {
    const leaking = { kernel: 'userspace', hostPaths: [{ path: '/run', writable: true }] } as const
    const [change] = planGreedily([pod('n', 'x', leaking), pod('n', 'system', { trusted: true })], 1)
    expect(change).toMatchObject({ hasOwnKernel: true, obstacles: ['writable hostPath /run'] })
  })

  it('is empty when no change lowers the loss', () => {
    expect(planGreedily([pod('n', 'x')], 5)).toEqual([])
    expect(planExactly([pod('n', 'x')], 5)).toEqual([])
  })

  it.each(Array.from({ length: 30 }, (_, seed) => seed + 1))(
    'found greedily is nearly the best there is (case %i)',
    (seed) => {
      const pods = randomPods(seed)
      const [greedy, exact] = [planGreedily(pods, 3), planExactly(pods, 3)]
      const before = expectedLoss(pods)
      const [found, best] = [greedy, exact].map((changes) => before - (changes.at(-1)?.lossAfter ?? before)) as [
        number,
        number,
      ]
      expect(found).toBeLessThanOrEqual(best + 1e-9)
      expect(found).toBeGreaterThanOrEqual(0.9 * best)
      // Each step is told with the loss that really follows from it.
      const isolated = new Set(greedy.map(({ workload }) => workload))
      const after = pods.map((one) => (isolated.has(`a/${one.workload}`) ? { ...one, ...own } : one))
      expect(expectedLoss(after)).toBeCloseTo(greedy.at(-1)?.lossAfter ?? before)
    }
  )

  it('is the best where all sets can be looked at', () => {
    const pods = randomPods(7)
    expect(planChanges(pods, 2)).toEqual(planExactly(pods, 2))
  })
})
