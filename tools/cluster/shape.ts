import { parseArgs } from 'node:util'
import { failure } from '@bulkhead/wire/errors'
import { overlap, parseSubnet, type Subnet } from './subnet.ts'

/** What a cluster consists of; fixed for its life. */
export interface ClusterShape {
  /** Nodes with a kubelet and containerd: 1 to 20. */
  readonly nodes: number
  /** Nodes that kwok plays, on which pods only seem to run: 0 to 1000. */
  readonly fakeNodes: number
  /** A /24 that the machines of the cluster and the host share, like `10.88.0.0/24`. */
  readonly subnet: string
  /** Whether a registry serves on port 5000 of the control plane. */
  readonly registry: boolean
}

export const defaultShape: ClusterShape = { nodes: 3, fakeNodes: 0, subnet: '10.88.0.0/24', registry: false }

/** Networks inside of every cluster; the host knows no way to them. */
export const podNetwork = '10.244.0.0/16'
export const fakePodNetwork = '10.245.0.0/16'
export const serviceNetwork = '10.96.0.0/16'

const limits = { nodes: { min: 1, max: 20 }, fakeNodes: { min: 0, max: 1000 } } as const

/** Fails `invalid_request` with the name of the option. */
export function checkShape(shape: ClusterShape): ClusterShape {
  needWhole('--nodes', shape.nodes, limits.nodes)
  needWhole('--fake-nodes', shape.fakeNodes, limits.fakeNodes)
  subnetOf(shape)
  return Object.freeze({ ...shape })
}

/** Fails `invalid_request` when it is none. */
export function subnetOf({ subnet }: Pick<ClusterShape, 'subnet'>): Subnet {
  const parsed = parseSubnet(subnet)
  if (parsed?.bits !== 24) {
    throw failure('invalid_request', { field: '--subnet', problem: 'must be a /24 network, like 10.88.0.0/24' })
  }
  const inner = [podNetwork, fakePodNetwork, serviceNetwork].find((network) =>
    overlap(parsed, parseSubnet(network) as Subnet)
  )
  if (inner) {
    throw failure('invalid_request', {
      field: '--subnet',
      problem: `overlaps ${inner}, which every cluster has inside`,
    })
  }
  return parsed
}

export const sameShape = (a: ClusterShape, b: ClusterShape): boolean => describeShape(a) === describeShape(b)

/** As the options that ask for it. */
export const describeShape = ({ nodes, fakeNodes, subnet, registry }: ClusterShape): string =>
  `--nodes ${nodes} --fake-nodes ${fakeNodes} --subnet ${subnet}${registry ? ' --registry' : ''}`

function needWhole(field: string, value: number, { min, max }: { min: number; max: number }): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw failure('invalid_request', { field, problem: `must be a whole number from ${min} to ${max}` })
}

/** Fails `invalid_request` with what is wrong in a command line like `--nodes=3 --registry`. */
export function parseShape(args: readonly string[]): ClusterShape {
  const { values } = parseOptions(args)
  const number = (text: string | undefined, otherwise: number) =>
    text === undefined ? otherwise : /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  return checkShape({
    nodes: number(values.nodes, defaultShape.nodes),
    fakeNodes: number(values['fake-nodes'], defaultShape.fakeNodes),
    subnet: values.subnet ?? defaultShape.subnet,
    registry: values.registry ?? defaultShape.registry,
  })
}

function parseOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        nodes: { type: 'string' },
        'fake-nodes': { type: 'string' },
        subnet: { type: 'string' },
        registry: { type: 'boolean' },
      },
    })
  } catch (cause) {
    throw failure('invalid_request', { field: 'cluster up', problem: (cause as Error).message }, { cause })
  }
}
