import { describe, expect, it } from 'vitest'
import type { PlacedPod } from './facts.ts'
import { nodesLost } from './nodes-lost.ts'
import { placed } from './testing/facts.ts'

const nodes = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ name: `n${at}`, kernelVersion: '', bootId: `boot-${at}` }))
const tenant = (namespace: string, ...on: number[]): PlacedPod[] => on.map((at) => placed(`n${at}`, 'w', { namespace }))

/** Every choice of k nodes, one by one. */
function byTrying(pods: readonly PlacedPod[], count: number, k: number) {
  const placements = [...Map.groupBy(pods, ({ namespace }) => namespace).values()].map(
    (own) => new Set(own.map(({ node }) => node))
  )
  const names = nodes(count).map(({ name }) => name)
  const sets = k === 1 ? names.map((a) => [a]) : names.flatMap((a, at) => names.slice(at + 1).map((b) => [a, b]))
  const lost = sets.map((set) => placements.filter((placement) => placement.isSubsetOf(new Set(set))).length)
  return { worst: Math.max(...lost), mean: lost.reduce((a, b) => a + b, 0) / lost.length }
}

describe('tenants that lose everything when nodes fall', () => {
  it('are those with all pods on them', () => {
    const pods = [
      ...tenant('a', 0, 0),
      ...tenant('b', 0, 1),
      ...tenant('c', 0, 1),
      ...tenant('d', 2),
      ...tenant('e', 0, 1, 2),
    ]
    expect(nodesLost(pods, nodes(4))).toEqual([
      { k: 1, worst: { nodes: ['n0'], tenantsLost: 1 }, meanTenantsLost: 2 / 4, tenants: 5 },
      { k: 2, worst: { nodes: ['n0', 'n1'], tenantsLost: 3 }, meanTenantsLost: expect.closeTo(8 / 6), tenants: 5 },
    ])
  })

  it('do not include the cluster’s machinery, and nodes on one kernel fall together', () => {
    const machine = { nodeKernel: 'n0' }
    const pods = [
      placed('n0', 'x', { ...machine }),
      placed('n1', 'y', { ...machine }),
      placed('n1', 's', { ...machine, namespace: 'kube-system', trusted: true }),
    ]
    const merged = nodes(2).map((node) => ({ ...node, bootId: 'same' }))
    expect(nodesLost(pods, merged)).toEqual([
      { k: 1, worst: { nodes: ['n0'], tenantsLost: 1 }, meanTenantsLost: 1, tenants: 1 },
    ])
  })

  it.each(Array.from({ length: 20 }, (_, seed) => seed + 1))(
    'are counted as by trying all choices (case %i)',
    (seed) => {
      let state = seed
      const next = (below: number) => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
        return (state >>> 16) % below
      }
      const pods = Array.from({ length: 12 }, (_, at) =>
        tenant(`t${at}`, ...Array.from({ length: 1 + next(3) }, () => next(6)))
      ).flat()
      for (const { k, worst, meanTenantsLost } of nodesLost(pods, nodes(6))) {
        const tried = byTrying(pods, 6, k)
        expect(worst.tenantsLost).toBe(tried.worst)
        expect(meanTenantsLost).toBeCloseTo(tried.mean)
      }
    }
  )
})
