import { expect, it } from 'vitest'
import { hostLink, nodeOf, planCluster } from './plan.ts'
import { defaultShape, podNetwork, serviceNetwork } from './shape.ts'
import { overlap, parseSubnet, type Subnet } from './subnet.ts'

const plan = planCluster('/var/lib/bulkhead/cluster', { ...defaultShape, nodes: 20, fakeNodes: 2 })
const machines = [plan.controlPlane, ...plan.nodes]
const subnet = (text: string) => parseSubnet(text) as Subnet

it('gives each machine what no other has', () => {
  for (const of of ['name', 'address', 'netns', 'cgroup', 'folder', 'logs'] as const) {
    expect(new Set(machines.map((machine) => machine[of])).size, of).toBe(machines.length)
  }
  expect(machines.map(({ address }) => address)).not.toContain(plan.hostAddress)
  for (const { address } of machines) expect(overlap(subnet(address), subnet(defaultShape.subnet))).toBe(true)
})

it('gives each node pods of its own, inside of the pods’ network and outside of the services’', () => {
  const networks = plan.nodes.map((node) => subnet(node.podNetwork))
  for (const [at, network] of networks.entries()) {
    expect(overlap(network, subnet(podNetwork))).toBe(true)
    expect(overlap(network, subnet(serviceNetwork))).toBe(false)
    for (const other of networks.slice(at + 1)) expect(overlap(network, other)).toBe(false)
  }
})

it('has names of the cluster alone, short enough for Linux', () => {
  const other = planCluster('/var/lib/other/cluster', defaultShape)
  expect(other.id).not.toBe(plan.id)
  expect(hostLink(plan.id).length).toBeLessThanOrEqual(15)
  for (const machine of machines) expect(machine.netns).toContain(plan.id)
})

it('knows its nodes by name', () => {
  expect(nodeOf(plan, 'node-20').address).toBe('10.88.0.30')
  expect(() => nodeOf(plan, '../node-1')).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  expect(() => nodeOf(plan, 'fake-1')).toThrow(expect.objectContaining({ code: 'invalid_request' }))
})
