import { hash } from 'node:crypto'
import { join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import { type ClusterShape, subnetOf } from './shape.ts'
import { addressIn } from './subnet.ts'

/** One of the cluster's machines: a set of namespaces with an address, a cgroup and a folder. */
export interface MachinePlan {
  readonly name: string
  readonly address: string
  /** Below /run/netns. */
  readonly netns: string
  /** At the root of every cgroup hierarchy. */
  readonly cgroup: string
  /** What the machine has of its own: see `machine-folder.ts`. */
  readonly folder: string
  /** Logs of its programs, on the host. */
  readonly logs: string
}

export interface NodePlan extends MachinePlan {
  /** Addresses of its pods. */
  readonly podNetwork: string
}

/** Every name, address and path of a cluster, before anything of it is made. All names bear the cluster's id, so that what is left can be found. */
export interface ClusterPlan {
  /** 8 hex digits, of its folder's path. */
  readonly id: string
  readonly folder: string
  readonly shape: ClusterShape
  readonly controlPlane: MachinePlan
  readonly nodes: readonly NodePlan[]
  readonly fakeNodes: readonly string[]
  /** Of the host, in the cluster's subnet. */
  readonly hostAddress: string
  readonly apiServer: string
  /** `HOST:PORT`; only where the shape has one. */
  readonly registry: string
  readonly kubeconfigFile: string
  /** Keys and certificates. */
  readonly secrets: string
  /** Dynamic volumes; the control plane and all nodes see it. */
  readonly volumes: string
}

export const ports = { apiServer: 6443, controllerManager: 10257, scheduler: 10259, registry: 5000 } as const

/** The first address of the service network: of the API server, for pods. */
export const apiServiceAddress = '10.96.0.1'

const hosts = { controlPlane: 1, firstNode: 11, host: 254 } as const

/** What all names of a cluster in `folder` start with. */
export const clusterId = (folder: string): string => hash('sha256', folder).slice(0, 8)
export const namePrefix = (id: string): string => `bulkhead-${id}-`
/** Of the host's own end of the cable; Linux takes 15 characters. */
export const hostLink = (id: string): string => `bh-${id}`

/** `folder`: absolute and real, and the cluster's alone. Fails `invalid_request` for a wrong subnet. */
export function planCluster(folder: string, shape: ClusterShape): ClusterPlan {
  const id = clusterId(folder)
  const subnet = subnetOf(shape)
  const machine = (name: string, host: number): MachinePlan => ({
    name,
    address: addressIn(subnet, host),
    netns: `${namePrefix(id)}${name}`,
    cgroup: `${namePrefix(id)}${name}`,
    folder: join(folder, 'machines', name),
    logs: join(folder, 'logs', name),
  })
  const controlPlane = machine('control-plane', hosts.controlPlane)
  return {
    id,
    folder,
    shape,
    controlPlane,
    nodes: Array.from({ length: shape.nodes }, (_, at) => ({
      ...machine(`node-${at + 1}`, hosts.firstNode + at),
      podNetwork: `10.244.${at + 1}.0/24`,
    })),
    fakeNodes: Array.from({ length: shape.fakeNodes }, (_, at) => `fake-${at + 1}`),
    hostAddress: addressIn(subnet, hosts.host),
    apiServer: `https://${controlPlane.address}:${ports.apiServer}`,
    registry: `${controlPlane.address}:${ports.registry}`,
    kubeconfigFile: join(folder, 'kubeconfig'),
    secrets: join(folder, 'secrets'),
    volumes: join(folder, 'volumes'),
  }
}

/** The node of this name. Fails `invalid_request` when the cluster has none. */
export function nodeOf({ nodes }: ClusterPlan, name: string): NodePlan {
  const node = nodes.find((candidate) => candidate.name === name)
  if (node) return node
  throw failure('invalid_request', {
    field: 'node',
    problem: `must be one of ${nodes.map((candidate) => candidate.name).join(', ')}`,
  })
}
