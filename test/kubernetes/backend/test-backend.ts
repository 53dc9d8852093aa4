import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type SandboxClaim, sandboxClaims, sandboxes } from '../../../packages/kubernetes/src/api/index.ts'
import {
  type KubernetesBackend,
  type KubernetesBackendOptions,
  openKubernetesBackend,
} from '../../../packages/kubernetes/src/backend/index.ts'
import {
  type ApiClient,
  type ClusterAccess,
  kubeconfigAccess,
  namespaces,
  openApiClient,
  pods,
  type Stored,
  silentLogger,
  systemClock,
} from '../../../packages/kubernetes/src/controller/index.ts'
import { serverAccess, serverName } from '../../../packages/kubernetes/src/manifests/index.ts'
import { networkNamespaces } from '../../../tools/cluster/network.ts'
import { clusterId } from '../../../tools/cluster/plan.ts'
import { busyboxImage, openCluster, type TestCluster } from '../../../tools/cluster/test-cluster.ts'
import { agentArchive } from '../../../tools/operator/agent-image.ts'
import { installKinds } from '../support/kinds.ts'
import { OperatorProcess, operatorNamespace } from '../support/operator-process.ts'
import { openPodNetwork, type PodNetwork } from './pod-network.ts'

const root = path.resolve(import.meta.dirname, '../../..')
const agentImage = 'bulkhead.test/agent:1'
export const namespace = 'sandboxes'
const startDeadlineMs = 30 * 60_000

/** A cluster with the operator and the guest agent's image, for servers in front of it. */
export class BackendGround implements AsyncDisposable {
  readonly cluster: TestCluster
  readonly client: ApiClient
  readonly #network: PodNetwork
  readonly #undo: AsyncDisposableStack

  private constructor(cluster: TestCluster, client: ApiClient, network: PodNetwork, undo: AsyncDisposableStack) {
    this.cluster = cluster
    this.client = client
    this.#network = network
    this.#undo = undo
  }

  static async open(): Promise<BackendGround> {
    const signal = AbortSignal.timeout(startDeadlineMs)
    await using undo = new AsyncDisposableStack()
    const cluster = undo.use(await openCluster({ nodes: 2, fakeNodes: 0, registry: true }, signal))
    const access = await kubeconfigAccess({ clock: systemClock, file: cluster.kubeconfig })
    const { client } = undo.use(openApiClient({ access, clock: systemClock, userAgent: 'backend-tests' }))
    await installKinds(client)
    for (const name of [operatorNamespace, namespace]) await client.create(namespaces, { metadata: { name } })
    await loadAgent(cluster, signal)
    const operator = undo.use(
      await OperatorProcess.start({ kubeconfig: cluster.kubeconfig, leaderElection: false, isQuiet: true })
    )
    await operator.ready()
    const [netns = ''] = await networkNamespaces(clusterId(cluster.folder))
    const network = undo.use(await openPodNetwork(netns, access.server.hostname))
    return new BackendGround(cluster, client, network, undo.move())
  }

  /** Another server: it shares nothing with those before but the cluster. */
  async server(more: Partial<KubernetesBackendOptions> = {}): Promise<KubernetesBackend> {
    const options: KubernetesBackendOptions = {
      access: await kubeconfigAccess({ clock: systemClock, file: this.cluster.kubeconfig }),
      namespace,
      keyNamespace: operatorNamespace,
      agentImage,
      from: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
      images: { defaultImage: busyboxImage, registry: 'registry.bulkhead.test' },
      dial: this.#network.dial,
      log: silentLogger,
      ...more,
    }
    return openKubernetesBackend(options, AbortSignal.timeout(60_000))
  }

  /** As the service account of our manifests. */
  async asServer(): Promise<ClusterAccess> {
    for (const manifest of serverAccess(operatorNamespace, namespace))
      await this.cluster.kubectlInput(JSON.stringify(manifest), 'apply', '--server-side', '-f', '-')
    const token = await this.cluster.kubectl('create', 'token', serverName, '-n', operatorNamespace)
    const admin = await kubeconfigAccess({ clock: systemClock, file: this.cluster.kubeconfig })
    return {
      ...admin,
      tls: async () => {
        const { ca } = await admin.tls()
        return { ...(ca && { ca }) }
      },
      headers: async () => ({ authorization: `Bearer ${token.trim()}` }),
    }
  }

  /** Names of all that is there because of a sandbox; what has ended may be remembered. */
  async leftovers(): Promise<string[]> {
    const [allPods, allSandboxes, claims] = await Promise.all([
      this.client.list(pods, { namespace }),
      this.client.list(sandboxes, { namespace }),
      this.client.list(sandboxClaims, { namespace }),
    ])
    const living = claims.items.filter(isLiving)
    return [
      ...allPods.items.map(({ metadata }) => `pod ${metadata.name}`),
      ...allSandboxes.items.map(({ metadata }) => `sandbox ${metadata.name}`),
      ...living.map(({ metadata }) => `claim ${metadata.name}`),
    ]
  }

  async onlyClaim(): Promise<Stored<SandboxClaim>> {
    const { items } = await this.client.list(sandboxClaims, { namespace })
    const living = items.filter(isLiving)
    if (living.length !== 1) throw new Error(`${living.length} claims, not one`)
    return living[0] as Stored<SandboxClaim>
  }

  async podUid(id: string): Promise<string> {
    return (await this.client.get(pods, { namespace, name: id })).metadata.uid
  }

  async removePod(name: string): Promise<void> {
    await this.client.delete(pods, { namespace, name })
  }

  /** The Sentry of a sandbox's Pod: nodes are this machine's processes. */
  async killKernel(id: string): Promise<void> {
    const uid = await this.podUid(id)
    const sentries = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => read(pid, 'cgroup').includes(uid) && read(pid, 'cmdline').split('\0').includes('boot'))
    if (sentries.length === 0) throw new Error(`no Sentry of the Pod ${uid}`)
    for (const pid of sentries) process.kill(Number(pid), 'SIGKILL')
  }

  /** For people: what runs, and what has happened. */
  describe(): Promise<string> {
    return this.cluster.kubectl('get', 'pods,sandboxes,sandboxclaims,events', '-n', namespace)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#undo.disposeAsync()
  }
}

const isLiving = ({ metadata }: Stored<SandboxClaim>): boolean =>
  !metadata.annotations?.['bulkhead.dev/sandbox']?.includes('"ended":')

async function loadAgent(cluster: TestCluster, signal: AbortSignal): Promise<void> {
  const archive = path.join(cluster.folder, 'agent.tar')
  await writeFile(archive, await agentArchive({ name: agentImage, version: 'test', root }, signal))
  await cluster.loadImage(archive)
}

function read(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return '' // it has ended
  }
}
