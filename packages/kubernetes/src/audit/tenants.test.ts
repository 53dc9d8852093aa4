import { expect, it } from 'vitest'
import type { PodFact } from './facts.ts'
import { kernelsOf, placePods } from './kernels.ts'
import { tenantReports } from './tenants.ts'
import { facts, pod } from './testing/facts.ts'

const tenants = (pods: readonly PodFact[]) => {
  const all = facts(pods)
  return tenantReports(kernelsOf(placePods(all, { trustedNamespaces: new Set(['kube-system']) }), all.nodes))
}
const isolated = { runtimeClass: 'gvisor' }

it('are endangered by others that can attack a kernel under their pods, and by nobody else', () => {
  const found = tenants([
    pod('a', 'x'),
    pod('b', 'x', isolated),
    pod('b', 'y', { ...isolated, node: 'n2' }),
    pod('c', 'x', { ...isolated, node: 'n2' }),
    pod('kube-system', 'proxy', { node: 'n2' }),
  ])
  expect(found).toEqual([
    { name: 'b', pods: 2, ownKernel: 2, endangeredBy: { count: 1, first: ['a'] }, score: 50 },
    { name: 'a', pods: 1, ownKernel: 0, endangeredBy: { count: 0, first: [] }, score: 100 },
    { name: 'c', pods: 1, ownKernel: 1, endangeredBy: { count: 0, first: [] }, score: 100 },
  ])
})

it('are thousands on one kernel without a list of all in each', () => {
  const many = 5000
  const found = tenants(Array.from({ length: many }, (_, at) => pod(`t${String(at).padStart(4, '0')}`, 'x')))
  expect(found).toHaveLength(many)
  expect(found[0]?.endangeredBy.count).toBe(many - 1)
  expect(found[0]?.endangeredBy.first).toEqual(found.slice(1, 11).map(({ name }) => name))
  expect(JSON.stringify(found).length).toBeLessThan(many * 400)
})
