import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ApiClient,
  kubeconfigAccess,
  namespaces,
  openApiClient,
  resourceType,
  systemClock,
} from '../../packages/kubernetes/src/controller/index.ts'
import { installKinds } from '../../packages/kubernetes/test/support/install-kinds.ts'
import { openCluster, type TestCluster } from '../../tools/cluster/test-cluster.ts'
import { bundle } from '../../tools/operator/bundle.ts'
import { type OperatorPlace, OperatorProcess } from './operator-process.ts'
import { ReadyWatch } from './ready-watch.ts'
import { countingFlowSchemas, flowSchemaLabel } from './write-counter.ts'

/** Who the operator is at the API server; what it may do is for tests, here it may do anything. */
const account = { namespace: 'agent-sandbox-system', name: 'operator' } as const
const shape = { nodes: 1, fakeNodes: 100 } as const
/** More than are ever under way: the load must not wait for itself. */
const inFlight = 512
const accountWithinMs = 30_000

const serviceAccounts = resourceType({
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
})

/** A real cluster with a hundred fake nodes, for all measurements of a run. The operator is not running; each measurement starts its own. */
export interface BenchCluster extends AsyncDisposable {
  /** As an administrator. */
  readonly client: ApiClient
  /** An administrator's. */
  readonly kubeconfig: string
  readonly signal: AbortSignal
  kubectl(...args: string[]): Promise<string>
  /** Has the operator run until it is disposed of. `name`: of its log. */
  startOperator(name: string): Promise<OperatorProcess>
  /** A namespace in which Pods can be created. It is gone, and everything in it, when its disposal has resolved. */
  openNamespace(name: string): Promise<AsyncDisposable>
}

export async function openBenchCluster(signal: AbortSignal): Promise<BenchCluster> {
  await using undo = new AsyncDisposableStack()
  const cluster = undo.use(await openCluster(shape, signal))
  const access = await kubeconfigAccess({ clock: systemClock, file: cluster.kubeconfig })
  const { client } = undo.use(
    openApiClient({ access, clock: systemClock, inFlight, userAgent: 'bulkhead-bench', defaults: { fence: undefined } })
  )
  await installKinds(client)
  const programs = join(cluster.folder, 'programs')
  await bundle(programs, signal)
  const place = { program: join(programs, 'operator.mjs'), ...(await makeOperatorAccount(cluster)) }
  const { kubectl } = cluster
  const owned = undo.move()
  return {
    client,
    kubeconfig: cluster.kubeconfig,
    signal,
    kubectl,
    startOperator: (name) => OperatorProcess.start(place, `operator-${name}`),
    async openNamespace(name) {
      await client.create(namespaces, { metadata: { name } })
      await using accounts = await ReadyWatch.open({ client, signal }, serviceAccounts, name)
      await accounts.until('the default service account', accountWithinMs, ({ objects }) => objects.has('default'))
      return {
        async [Symbol.asyncDispose]() {
          // The interrupted run's signal would end kubectl; what is left goes with the cluster.
          if (!signal.aborted) await kubectl('delete', 'namespace', name, '--wait', '--timeout=300s')
        },
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Where it finds the API server, and who it is there. A user of the group system:masters, as the administrator is, would be exempt from what the writes are counted by. */
async function makeOperatorAccount({
  kubectl,
  kubectlInput,
  folder,
}: TestCluster): Promise<Omit<OperatorPlace, 'program'>> {
  const { namespace, name } = account
  const rbac = 'rbac.authorization.k8s.io'
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: `bench-${name}` },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', ...account }],
    },
    ...countingFlowSchemas(account),
  ]
  await kubectlInput(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }), 'apply', '-f', '-')
  // Said by the API server once it sorts requests by it.
  const [[label, value] = []] = Object.entries(flowSchemaLabel)
  await kubectl(
    'wait',
    '--for=condition=Dangling=false',
    '--timeout=60s',
    'flowschemas',
    `--selector=${label}=${value}`
  )

  const token = await kubectl('create', 'token', name, `--namespace=${namespace}`, '--duration=24h')
  const config = JSON.parse(await kubectl('config', 'view', '--raw', '--output=json'))
  const [{ cluster }] = config.clusters
  const serviceAccount = join(folder, 'operator-account')
  await mkdir(serviceAccount, { mode: 0o700 })
  const files = { token, namespace, 'ca.crt': Buffer.from(cluster['certificate-authority-data'], 'base64') }
  for (const [file, content] of Object.entries(files)) await writeFile(join(serviceAccount, file), content)
  return { server: new URL(cluster.server), serviceAccount }
}
