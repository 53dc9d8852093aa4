import { mkdir } from 'node:fs/promises'
import { applyAddons } from './addons.ts'
import { ApiClient, type KubernetesObject } from './api-client.ts'
import { Certificates } from './certificates.ts'
import {
  apiServerService,
  type ControlPlaneIdentity,
  controllerManagerService,
  etcdService,
  kwokService,
  registryService,
  schedulerService,
  writeControlPlaneFiles,
} from './control-plane.ts'
import { createFakeNodes } from './fake-nodes.ts'
import type { Machine, Service } from './machine.ts'
import { makeMachineFolder } from './machine-folder.ts'
import { makeNetwork, networkNamespaces } from './network.ts'
import { containerdService, importNodeImages, kubeletService, kubeProxyService, writeNodeFiles } from './node.ts'
import type { ClusterPlan, NodePlan } from './plan.ts'
import { killMarked } from './processes.ts'
import type { ClusterPrograms } from './programs.ts'
import { together } from './together.ts'

/** A cluster's machines, made or not, and what they run. */
export interface ClusterParts {
  readonly plan: ClusterPlan
  readonly programs: ClusterPrograms
  readonly controlPlane: Machine
  readonly nodes: ReadonlyMap<NodePlan, Machine>
}

export type Report = (text: string) => void

/**
 * Starts what does not run of the cluster, and returns when it is whole: API server and controllers healthy, all nodes ready, the addons there.
 * Can be cut off at any moment and goes on where it stopped. `network.made`: whether the network of this boot of the host is there.
 */
export async function startCluster(
  parts: ClusterParts,
  network: { readonly made: boolean; readonly onMade: () => Promise<void> },
  report: Report,
  signal: AbortSignal
): Promise<void> {
  const { plan } = parts
  for (const folder of [plan.secrets, plan.volumes]) await mkdir(folder, { recursive: true })
  const certificates = await Certificates.open(plan.secrets, signal)
  const existing = network.made ? await networkNamespaces(plan.id) : []
  if (existing.length !== plan.nodes.length + 1) {
    // What runs in an older network would stay in it, out of reach.
    await killMarked(plan.id)
    await makeNetwork(plan, signal)
    await network.onMade()
  }
  const identity = await writeFiles(parts, certificates, signal)
  using api = new ApiClient(plan.apiServer, identity.authority, identity.admin)
  await together(signal, [
    async (inner) => {
      await startControlPlane(parts, api, identity, inner)
      report('the control plane is healthy')
    },
    ...[...parts.nodes.values()].map((machine) => (inner: AbortSignal) => startRuntime(parts, machine, inner)),
  ])
  await together(signal, [
    ...[...parts.nodes.keys()].map((node) => async (inner: AbortSignal) => {
      await startKubelet(parts, node, api, inner)
      report(`${node.name} is ready`)
    }),
    (inner) => startFakeNodes(parts, api, report, inner),
    (inner) => applyAddons(api, plan, inner),
  ])
}

/** One node, its machine included. Returns when the API server has it as ready. */
export async function startNode(parts: ClusterParts, node: NodePlan, signal: AbortSignal): Promise<void> {
  const certificates = await Certificates.open(parts.plan.secrets, signal)
  const identity = await writeFiles(parts, certificates, signal)
  using api = new ApiClient(parts.plan.apiServer, identity.authority, identity.admin)
  await startRuntime(parts, machineOf(parts, node), signal)
  await startKubelet(parts, node, api, signal)
}

/** The services of the control plane in the order of their start. */
export function controlPlaneServices(
  { plan, programs }: ClusterParts,
  authority: string,
  apiReady: (signal: AbortSignal) => Promise<boolean>
): Service[] {
  return [
    etcdService(programs),
    apiServerService(plan, programs, apiReady),
    controllerManagerService(plan, programs, authority),
    schedulerService(plan, programs, authority),
    ...(plan.shape.fakeNodes > 0 ? [kwokService(plan, programs)] : []),
    ...(plan.shape.registry ? [registryService(plan)] : []),
  ]
}

export const nodeServiceNames = ['containerd', 'kubelet', 'kube-proxy'] as const

/** Keys, certificates, kubeconfigs and configurations; what is there of keys and certificates is kept. */
export async function writeFiles(
  { plan }: ClusterParts,
  certificates: Certificates,
  signal: AbortSignal
): Promise<ControlPlaneIdentity> {
  for (const machine of [plan.controlPlane, ...plan.nodes]) await makeMachineFolder(machine)
  for (const node of plan.nodes) await writeNodeFiles(plan, node, certificates, signal)
  return writeControlPlaneFiles(plan, certificates, signal)
}

async function startControlPlane(
  parts: ClusterParts,
  api: ApiClient,
  { authority }: ControlPlaneIdentity,
  signal: AbortSignal
): Promise<void> {
  const { controlPlane } = parts
  await controlPlane.ensure(signal)
  const [etcd, apiServer, ...clients] = controlPlaneServices(parts, authority, (inner) => api.ready(inner))
  await controlPlane.ensureService(etcd as Service, signal)
  await controlPlane.ensureService(apiServer as Service, signal)
  await together(
    signal,
    clients.map((service) => (inner: AbortSignal) => controlPlane.ensureService(service, inner))
  )
}

async function startRuntime({ programs }: ClusterParts, machine: Machine, signal: AbortSignal): Promise<void> {
  await machine.ensure(signal)
  await machine.ensureService(containerdService(machine, programs), signal)
  await importNodeImages(machine, programs, signal)
}

async function startKubelet(parts: ClusterParts, node: NodePlan, api: ApiClient, signal: AbortSignal): Promise<void> {
  const machine = machineOf(parts, node)
  await machine.ensureService(kubeProxyService(parts.programs), signal)
  // What the API server remembers of an earlier kubelet's is not its word.
  const since = machine.find('kubelet') ? 0 : Date.now()
  const path = `/api/v1/nodes?fieldSelector=metadata.name%3D${node.name}`
  const ready = (inner: AbortSignal) => api.until(path, (nodes) => nodes.some((one) => isReady(one, since)), inner)
  await machine.ensureService(kubeletService(node, parts.programs, ready), signal)
}

async function startFakeNodes(
  { plan }: ClusterParts,
  api: ApiClient,
  report: Report,
  signal: AbortSignal
): Promise<void> {
  const wanted = new Set(plan.fakeNodes)
  if (wanted.size === 0) return
  await createFakeNodes(api, plan.fakeNodes, signal)
  const ready = (nodes: readonly KubernetesObject[]) =>
    nodes.filter((node) => wanted.has(node.metadata.name) && isReady(node, 0)).length === wanted.size
  await api.until('/api/v1/nodes?labelSelector=type%3Dkwok', ready, signal)
  report(`${wanted.size} fake ${wanted.size === 1 ? 'node is' : 'nodes are'} ready`)
}

function machineOf({ nodes }: ClusterParts, node: NodePlan): Machine {
  const machine = nodes.get(node)
  if (!machine) throw new TypeError(`${node.name} is of another cluster`)
  return machine
}

/** The slice of a Node's status that is read. */
interface NodeStatus {
  readonly conditions?: readonly {
    readonly type: string
    readonly status: string
    readonly lastHeartbeatTime?: string
  }[]
}

/** Whether its kubelet says that it is ready, and has said so at `sinceMs` or later (0: whenever). Kubernetes keeps whole seconds. */
export function isReady({ status }: KubernetesObject, sinceMs: number): boolean {
  const condition = (status as NodeStatus | undefined)?.conditions?.find(({ type }) => type === 'Ready')
  if (condition?.status !== 'True') return false
  return sinceMs === 0 || Date.parse(condition.lastHeartbeatTime ?? '') >= Math.floor(sinceMs / 1000) * 1000
}
