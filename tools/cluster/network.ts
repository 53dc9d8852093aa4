import { readdir } from 'node:fs/promises'
import { failure } from '@bulkhead/wire/errors'
import { lockFile } from '../../packages/cli/src/setup/file-lock.ts'
import { type ClusterPlan, hostLink, type MachinePlan, namePrefix } from './plan.ts'
import { runTool } from './run-tool.ts'
import { subnetOf } from './shape.ts'
import { overlap, parseSubnet } from './subnet.ts'

export const netnsFolder = '/run/netns'
const bridge = 'bridge0'
/** Of the machine: held from the look at its routes until a network has its own, so that no two clusters take the same subnet. */
const subnetLock = '/run/bulkhead-cluster-subnets.lock'
/** Of a machine's only network card, and of the control plane's end of the host's cable. */
const card = 'eth0'
const hostPort = 'host'

/** The slice of `ip -json route` that is read. */
interface Route {
  readonly dst: string
  readonly dev?: string
}

/**
 * Fails `cluster_subnet_in_use` when the host already has a way to an address of the cluster's subnet. Routes of all tables count, and with them
 * the host's own addresses; the default route does not.
 */
export async function needFreeSubnet({ id, shape }: ClusterPlan, signal: AbortSignal): Promise<void> {
  const subnet = subnetOf(shape)
  const routes = JSON.parse(
    await runTool(['ip', '-4', '-json', 'route', 'show', 'table', 'all'], signal)
  ) as readonly Route[]
  for (const { dst, dev } of routes) {
    const other = parseSubnet(dst)
    if (!other || dev === hostLink(id) || !overlap(subnet, other)) continue
    throw failure('cluster_subnet_in_use', { subnet: shape.subnet, route: `${dst}${dev ? ` on ${dev}` : ''}` })
  }
}

/**
 * A network namespace for each machine; in the control plane's a bridge that joins them all, and the host by a cable of its own. The bridge's
 * machines reach each other and each other's pods; the host only the machines. What was left of an interrupted attempt is removed first.
 * Fails `cluster_subnet_in_use`.
 */
export async function makeNetwork(plan: ClusterPlan, signal: AbortSignal): Promise<void> {
  await using _lock = await lockFile(subnetLock, signal)
  await removeNetwork(plan.id)
  await needFreeSubnet(plan, signal)
  const { controlPlane, nodes } = plan
  const ip = (...args: string[]) => runTool(['ip', ...args], signal)
  const inside = (machine: MachinePlan, ...args: string[]) => ip('-n', machine.netns, ...args)

  for (const machine of [controlPlane, ...nodes]) {
    await ip('netns', 'add', machine.netns)
    await inside(machine, 'link', 'set', 'lo', 'up')
  }
  await inside(controlPlane, 'link', 'add', 'name', bridge, 'type', 'bridge')
  await inside(controlPlane, 'address', 'add', `${controlPlane.address}/24`, 'dev', bridge)
  await inside(controlPlane, 'link', 'set', bridge, 'up')

  for (const node of nodes) {
    const peer = ['type', 'veth', 'peer', 'name', card, 'netns', node.netns]
    await inside(controlPlane, 'link', 'add', 'name', node.name, ...peer)
    await inside(controlPlane, 'link', 'set', node.name, 'master', bridge, 'up')
    await inside(node, 'address', 'add', `${node.address}/24`, 'dev', card)
    await inside(node, 'link', 'set', card, 'up')
    await inside(node, 'route', 'add', 'default', 'via', controlPlane.address)
  }
  for (const machine of [controlPlane, ...nodes]) {
    for (const node of nodes) {
      if (node !== machine) await inside(machine, 'route', 'add', node.podNetwork, 'via', node.address)
    }
  }

  const link = hostLink(plan.id)
  await ip('link', 'add', 'name', link, 'type', 'veth', 'peer', 'name', hostPort, 'netns', controlPlane.netns)
  await inside(controlPlane, 'link', 'set', hostPort, 'master', bridge, 'up')
  await ip('address', 'add', `${plan.hostAddress}/24`, 'dev', link)
  await ip('link', 'set', link, 'up')
}

/** Whatever of it there is. Its processes have to be gone: they would keep the namespaces, nameless. */
export async function removeNetwork(id: string): Promise<void> {
  if ((await readdir('/sys/class/net')).includes(hostLink(id))) await runTool(['ip', 'link', 'delete', hostLink(id)])
  for (const name of await networkNamespaces(id)) await runTool(['ip', 'netns', 'delete', name])
}

export async function networkNamespaces(id: string): Promise<string[]> {
  const names = await readdir(netnsFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => name.startsWith(namePrefix(id)))
}

export const netnsPath = ({ netns }: MachinePlan): string => `${netnsFolder}/${netns}`
