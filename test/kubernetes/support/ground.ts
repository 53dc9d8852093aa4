import {
  type ApiClient,
  isAlreadyExists,
  isNotFound,
  kubeconfigAccess,
  leases,
  namespaces,
  openApiClient,
  systemClock,
} from '../../../packages/kubernetes/src/controller/index.ts'
import { openCluster, type TestCluster } from '../../../tools/cluster/test-cluster.ts'
import { Arena, type ArenaOptions } from './arena.ts'
import { type FaultProxy, openFaultProxy } from './fault-proxy.ts'
import { installKinds } from './kinds.ts'
import { type OperatorOptions, OperatorProcess, operatorNamespace } from './operator-process.ts'
import { chooseSeed } from './random.ts'

const clusterDeadlineMs = 30 * 60_000
/** Enough for every load of these tests: 110 pods each. */
const shape = { nodes: 3, fakeNodes: 3 }

/** The one cluster of these tests, and what each of them has on it. */
export class Ground implements AsyncDisposable {
  readonly cluster: TestCluster
  /** As an administrator, past all faults. */
  readonly client: ApiClient
  readonly seed = chooseSeed()
  readonly #undo: AsyncDisposableStack
  readonly #namespaces: string[] = []

  private constructor(cluster: TestCluster, client: ApiClient, undo: AsyncDisposableStack) {
    this.cluster = cluster
    this.client = client
    this.#undo = undo
  }

  static async open(): Promise<Ground> {
    await using undo = new AsyncDisposableStack()
    const cluster = undo.use(await openCluster(shape, AbortSignal.timeout(clusterDeadlineMs)))
    const access = await kubeconfigAccess({ clock: systemClock, file: cluster.kubeconfig })
    const { client } = undo.use(openApiClient({ access, clock: systemClock, userAgent: 'fault-tests' }))
    await installKinds(client)
    await client.create(namespaces, { metadata: { name: operatorNamespace } }).catch((error) => {
      if (!isAlreadyExists(error)) throw error
    })
    return new Ground(cluster, client, undo.move())
  }

  /** A namespace of its own; `name` is its beginning. */
  async arena(name: string, warm: Partial<ArenaOptions['warm']> = {}): Promise<Arena> {
    const namespace = `${name}-${this.#namespaces.length + 1}`
    this.#namespaces.push(namespace)
    const { client, seed } = this
    return Arena.open({ client, namespace, seed, warm: { pretended: 6, isolated: 0, ...warm } })
  }

  proxy(): Promise<FaultProxy> {
    return openFaultProxy(this.cluster.kubeconfig)
  }

  /** An operator that is ready, through a proxy or straight. */
  async operator(options: Partial<OperatorOptions> = {}): Promise<OperatorProcess> {
    const operator = await OperatorProcess.start({ kubeconfig: this.cluster.kubeconfig, ...options })
    try {
      await operator.ready()
      return operator
    } catch (error) {
      await operator[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Identity of the one who leads; empty: nobody. */
  async leader(): Promise<string> {
    const { items } = await this.client.list(leases, { namespace: operatorNamespace })
    return items.map(({ spec }) => spec?.holderIdentity ?? '').join()
  }

  /** For a holder that is known to be dead: the next one need not wait until the lease has run out. */
  async clearLease(): Promise<void> {
    const { items } = await this.client.list(leases, { namespace: operatorNamespace })
    for (const { metadata } of items) {
      await this.client.delete(leases, metadata).catch((error) => {
        if (!isNotFound(error)) throw error
      })
    }
  }

  /** Of the arenas that were closed: those that are still there. */
  async namespacesLeft(): Promise<string[]> {
    const { items } = await this.client.list(namespaces)
    const there = new Set(items.map(({ metadata }) => metadata.name))
    return this.#namespaces.filter((name) => there.has(name))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#undo.disposeAsync()
  }
}
