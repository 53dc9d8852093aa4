import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ApiClient, type KubernetesObject } from './api-client.ts'
import { type ClusterParts, controlPlaneServices, isReady, nodeServiceNames } from './cluster-start.ts'
import type { Machine } from './machine.ts'
import type { ClusterShape } from './shape.ts'

/** A program of a machine. */
export interface PartStatus {
  /** `node-1/kubelet`. */
  readonly part: string
  readonly running: boolean
  /** On the host. */
  readonly pid: number | null
  readonly log: string
}

export interface NodeStatus {
  readonly name: string
  readonly ready: boolean
}

export interface ClusterStatus {
  /** `absent`: there is none. `broken`: something of it does not run or is not ready. */
  readonly state: 'running' | 'broken' | 'absent'
  readonly shape: ClusterShape | null
  readonly kubeconfig: string | null
  readonly server: string | null
  /** Whether the API server says that it is ready. */
  readonly apiReady: boolean
  readonly parts: readonly PartStatus[]
  readonly nodes: readonly NodeStatus[]
  readonly fakeNodesReady: number
}

export const absent: ClusterStatus = {
  state: 'absent',
  shape: null,
  kubeconfig: null,
  server: null,
  apiReady: false,
  parts: [],
  nodes: [],
  fakeNodesReady: 0,
}

/** What runs of the cluster, as seen now. Changes nothing. */
export async function readStatus(parts: ClusterParts, signal: AbortSignal): Promise<ClusterStatus> {
  const { plan, controlPlane, nodes } = parts
  const controlServices = controlPlaneServices(parts, '', async () => false).map(({ name }) => name)
  const programs = [
    ...partsOf(controlPlane, controlServices),
    ...[...nodes.values()].flatMap((machine) => partsOf(machine, nodeServiceNames)),
  ]
  const known = await askNodes(parts, signal)
  const nodeStates = plan.nodes.map(({ name }) => ({ name, ready: known?.get(name) ?? false }))
  const fakeNodesReady = plan.fakeNodes.filter((name) => known?.get(name)).length
  const whole =
    known !== undefined &&
    programs.every(({ running }) => running) &&
    nodeStates.every(({ ready }) => ready) &&
    fakeNodesReady === plan.fakeNodes.length
  return {
    state: whole ? 'running' : 'broken',
    shape: plan.shape,
    kubeconfig: plan.kubeconfigFile,
    server: plan.apiServer,
    apiReady: known !== undefined,
    parts: programs,
    nodes: nodeStates,
    fakeNodesReady,
  }
}

function partsOf(machine: Machine, services: readonly string[]): PartStatus[] {
  return services.map((name) => {
    const running = machine.find(name)
    return {
      part: `${machine.plan.name}/${name}`,
      running: running !== undefined,
      pid: running?.pid ?? null,
      log: machine.logFile(name),
    }
  })
}

/** Each node and whether it is ready; undefined when the API server is not. */
async function askNodes({ plan }: ClusterParts, signal: AbortSignal): Promise<Map<string, boolean> | undefined> {
  const secret = (name: string) => join(plan.secrets, name)
  if (!existsSync(secret('admin.crt'))) return undefined
  const [authority = '', certificate = '', key = ''] = await Promise.all(
    ['ca.crt', 'admin.crt', 'admin.key'].map((name) => readFile(secret(name), 'utf8'))
  )
  using api = new ApiClient(plan.apiServer, authority, { certificate, key })
  if (!(await api.ready(signal))) return undefined
  const { items } = (await api.get('/api/v1/nodes', signal)) as { items: readonly KubernetesObject[] }
  return new Map(items.map((node) => [node.metadata.name, isReady(node, 0)]))
}
