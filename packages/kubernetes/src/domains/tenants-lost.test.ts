import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LossCounter } from './loss.ts'
import { occupancyOfSandboxes, type PlacedSandbox } from './occupancy.ts'
import { tenantsLost } from './tenants-lost.ts'
import { greedyWorst } from './worst-nodes.ts'

/** `a: 1 1 2`: tenant a has two sandboxes on node 1 and one on node 2. */
const placed = (...lines: string[]): PlacedSandbox[] =>
  lines.flatMap((line) => {
    const [tenant = '', nodes = ''] = line.split(': ')
    return nodes.split(' ').map((node) => ({ tenant, node }))
  })

describe('tenants that lose everything', () => {
  const sandboxes = placed('a: 1 1', 'b: 1 2', 'c: 2 3', 'd: 3 2', 'e: 1 2 3 4')
  it.each([
    [0, [], 0],
    [1, ['1'], 1],
    [2, ['1', '2'], 2],
    [3, ['1', '2', '3'], 4],
    [4, ['1', '2', '3', '4'], 5],
    [9, ['1', '2', '3', '4'], 5],
  ])('when the worst %s nodes fall', (k, nodes, tenants) => {
    const lost = tenantsLost(sandboxes, k)
    expect({ nodes: lost.nodes.toSorted(), tenants: lost.tenants }).toEqual({ nodes, tenants })
    expect(lost.share).toBe(tenants / 5)
  })

  it('or most of it', () => {
    expect(tenantsLost(placed('a: 1 1 2', 'b: 1 2', 'c: 3'), 1, 'majority')).toMatchObject({ tenants: 1 })
    expect(tenantsLost(placed('a: 1 1 2', 'b: 1 2', 'c: 3'), 2, 'majority')).toMatchObject({ tenants: 2, exact: true })
  })

  it('are none where there are none', () => {
    expect(tenantsLost([], 2)).toEqual({ nodes: [], tenants: 0, share: 0, exact: true })
  })
})

describe('property: over clusters small enough to try everything', () => {
  const worlds = fc.array(fc.record({ tenant: fc.constantFrom(...'abcdefgh'), node: fc.constantFrom(...'1234567') }), {
    minLength: 1,
    maxLength: 40,
  })
  const choices = (nodes: number, k: number): number[][] =>
    k === 0
      ? [[]]
      : choices(nodes, k - 1).flatMap((chosen) =>
          Array.from({ length: nodes }, (_, node) => node)
            .filter((node) => node > (chosen.at(-1) ?? -1))
            .map((node) => [...chosen, node])
        )

  it.each([1, 2])('the worst of %s is the worst there is', (k) => {
    fc.assert(
      fc.property(worlds, fc.constantFrom('majority' as const, 'everything' as const), (sandboxes, measure) => {
        const occupancy = occupancyOfSandboxes(sandboxes)
        const counter = new LossCounter(occupancy)
        const all = choices(occupancy.nodes, Math.min(k, occupancy.nodes)).map((nodes) => counter.count(nodes)[measure])
        expect(tenantsLost(sandboxes, k, measure)).toMatchObject({ tenants: Math.max(...all), exact: true })
      })
    )
  })

  it('what is said to fall with a greedy choice does fall with it', () => {
    fc.assert(
      fc.property(worlds, fc.constantFrom('majority' as const, 'everything' as const), (sandboxes, measure) => {
        const occupancy = occupancyOfSandboxes(sandboxes)
        const counter = new LossCounter(occupancy)
        for (const { nodes, tenants } of greedyWorst(occupancy, 7, measure))
          expect(counter.count(nodes)[measure]).toBe(tenants)
      })
    )
  })
})
