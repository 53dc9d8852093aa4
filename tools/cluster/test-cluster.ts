import { execFile } from 'node:child_process'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { failure, isFailure } from '@bulkhead/wire/errors'
import { loadConfig } from '../../packages/cli/src/config.ts'
import { type Paths, resolvePaths } from '../../packages/cli/src/paths.ts'
import { Cluster } from './cluster.ts'
import { ensurePrograms } from './programs.ts'
import { type ClusterShape, defaultShape } from './shape.ts'

export { busyboxImage } from './images.ts'
export { whyNotHere } from './support.ts'

/** What a test asks for; the rest is chosen. */
export type TestClusterShape = Pick<ClusterShape, 'nodes' | 'fakeNodes'> & Partial<Pick<ClusterShape, 'registry'>>

/**
 * A cluster for one test file, beside whatever else runs on the machine: with a folder and a network of its own. Its methods are the faults that
 * tests put it through; each returns when the fault, or the way back from it, is complete. Disposing removes every trace.
 */
export interface TestCluster extends AsyncDisposable {
  /** Path of a kubeconfig of an administrator; works from the host's own network. */
  readonly kubeconfig: string
  /** Path of a kubectl of the cluster's version. */
  readonly kubectlPath: string
  /** Of the host in the cluster's network: where API server, nodes and pods reach what a test serves, such as webhooks. */
  readonly hostAddress: string
  /** `HOST:PORT` of the registry, seen from the host; nodes pull `registry.bulkhead.test/NAME`. Needs `registry: true`. */
  readonly registry: string
  /** The cluster's folder; logs of all programs are in `logs/`. */
  readonly folder: string
  /** Names of the nodes that exist. */
  readonly nodes: readonly string[]
  /** Runs kubectl to its end and returns its stdout; rejects with its stderr when it fails. */
  kubectl(...args: string[]): Promise<string>
  /** The same, with a standard input: for `create -f -` and the like. */
  kubectlInput(input: string, ...args: string[]): Promise<string>
  /** Gives all nodes the images of an OCI archive. */
  loadImage(archive: string): Promise<void>
  /** A power cut: everything on the node ends at once. Its disk stays. */
  killNode(name: string): Promise<void>
  /** Kubelet, kube-proxy and containerd of the node end in order; its pods run on, watched by nobody. */
  stopNode(name: string): Promise<void>
  /** After either: starts what does not run, and waits until the node is ready. */
  startNode(name: string): Promise<void>
  /** Kills the API server and waits until the next one is ready. */
  restartApiServer(): Promise<void>
  /** Kills etcd and waits until the API server is ready again. */
  restartEtcd(): Promise<void>
}

/** Networks tried in turn: the last octet but one. The first is the default of `bulkhead cluster up`, for users. */
const subnetChoices = Array.from({ length: 50 }, (_, at) => `10.88.${at + 1}.0/24`)

/**
 * Builds what is missing, and returns when all nodes are ready. `signal` ends the start and the methods, not the clean-up. Fails as {@link Cluster.up}
 * does; see {@link whyNotHere} for machines where it cannot work.
 */
export async function openCluster(shape: TestClusterShape, signal: AbortSignal): Promise<TestCluster> {
  // On a disk: /tmp may be memory. Real: a cluster is named after its folder.
  const parent = await realpath(await mkdtemp('/var/tmp/bulkhead-cluster-'))
  const cluster = new Cluster(join(parent, 'cluster'))
  const end = async () => {
    await cluster.down(AbortSignal.timeout(endDeadlineMs))
    await rm(parent, { recursive: true, force: true })
  }
  await using undo = new AsyncDisposableStack()
  undo.defer(end)
  await upSomewhere(cluster, shape, signal)
  undo.move()
  const { plan, kubeconfig, kubectl: kubectlPath } = cluster
  const kubectl = async (input: string, args: readonly string[]) => {
    const env = { ...process.env, KUBECONFIG: kubeconfig, NO_PROXY: plan.controlPlane.address }
    const running = promisify(execFile)(kubectlPath, args, { env, signal, maxBuffer: maxOutputBytes })
    running.child.stdin?.on('error', () => {}) // it may end without reading all of it
    running.child.stdin?.end(input)
    return (await running).stdout
  }
  return {
    kubeconfig,
    kubectlPath,
    hostAddress: plan.hostAddress,
    registry: plan.registry,
    folder: plan.folder,
    nodes: plan.nodes.map(({ name }) => name),
    kubectl: (...args) => kubectl('', args),
    kubectlInput: (input, ...args) => kubectl(input, args),
    loadImage: (archive) => cluster.loadImage(archive, signal),
    killNode: (name) => cluster.killNode(name, signal),
    stopNode: (name) => cluster.stopNode(name, signal),
    startNode: (name) => cluster.startNode(name, signal),
    restartApiServer: () => cluster.restartControlPlane('kube-apiserver', signal),
    restartEtcd: () => cluster.restartControlPlane('etcd', signal),
    [Symbol.asyncDispose]: end,
  }
}

const endDeadlineMs = 60_000
const maxOutputBytes = 64 * 1024 * 1024

/** Of the installation under test, or of this user: where the programs are built. */
export function installedPaths(): Paths {
  const installation = process.env.BULKHEAD_TEST_INSTALLATION
  const state = installation ? dirname(installation) : loadConfig(process.env).stateDirectory
  return resolvePaths(state, process.env, process.getuid?.() ?? 0)
}

/** In the first network that nobody has. */
async function upSomewhere(cluster: Cluster, shape: TestClusterShape, signal: AbortSignal): Promise<void> {
  const loadPrograms = (inner: AbortSignal) => ensurePrograms(installedPaths(), inner)
  for (const subnet of subnetChoices) {
    try {
      await cluster.up({ ...defaultShape, ...shape, subnet }, loadPrograms, signal)
      return
    } catch (error) {
      if (!isFailure(error, 'cluster_subnet_in_use')) throw error
    }
  }
  throw failure('cluster_subnet_in_use', { subnet: subnetChoices.join(', '), route: 'all of them' })
}
