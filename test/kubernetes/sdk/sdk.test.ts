import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sandboxTemplates, sandboxWarmPools } from '../../../packages/kubernetes/src/api/index.ts'
import { apiVersionOf } from '../../../packages/kubernetes/src/controller/index.ts'
import {
  defaultNamespace,
  manifests,
  operatorName,
  type RouterAccess,
  routerName,
} from '../../../packages/kubernetes/src/manifests/index.ts'
import { netnsFolder, networkNamespaces } from '../../../tools/cluster/network.ts'
import { clusterId } from '../../../tools/cluster/plan.ts'
import { artifactsFolder } from '../../../tools/cluster/programs.ts'
import { installedPaths, openCluster, type TestCluster, whyNotHere } from '../../../tools/cluster/test-cluster.ts'
import { bundle } from '../../../tools/operator/bundle.ts'
import { operatorArchive } from '../../../tools/operator/image.ts'
import { ensureSandboxRuntime, runtimeImage } from '../../../tools/sandbox-runtime/image.ts'
import { pythonWithSdk, runScript, whyNoSdk } from './python-sdk.ts'
import { seenInASandbox } from './seen.ts'

const minutes = 60_000
const signal = AbortSignal.timeout(60 * minutes)
const root = path.resolve(import.meta.dirname, '../../..')

const reason = (await whyNotHere(signal)) ?? (await whyNoSdk(signal))
if (reason) process.stderr.write(`test/kubernetes/sdk is skipped, because ${reason}\n`)

/** Each way the SDK knows into a sandbox: through the router, installed as users install it, and without. */
describe.skipIf(reason !== undefined)('the published SDK on a cluster', () => {
  const undo = new AsyncDisposableStack()
  let cluster: TestCluster

  beforeAll(async () => {
    cluster = undo.use(await openCluster({ nodes: 1, fakeNodes: 0 }, signal))
    const { archive } = await ensureSandboxRuntime(artifactsFolder(installedPaths()), signal)
    await cluster.loadImage(archive)
    await loadOperator(cluster)
    await install(cluster, 'tunnel')
    await apply(...sandboxObjects('isolated', 'gvisor'), ...sandboxObjects('plain'))
    for (const pool of ['isolated', 'plain']) {
      await cluster.kubectl(
        'wait',
        `sandboxwarmpool/${pool}`,
        '--for=jsonpath={.status.readyReplicas}=1',
        '--timeout=120s'
      )
    }
  }, 30 * minutes)
  afterAll(() => undo.disposeAsync(), 2 * minutes)

  const apply = (...objects: object[]) =>
    cluster.kubectlInput(
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
      ...['apply', '--server-side', '-f', '-']
    )
  const use = async (pool: string, way: readonly string[], inside: readonly string[] = []) =>
    runScript(await pythonWithSdk(signal), 'use_sandbox.py', {
      args: ['default', pool, ...way],
      inside,
      env: {
        // The SDK starts the kubectl it finds.
        PATH: `${path.dirname(cluster.kubectlPath)}:${process.env.PATH}`,
        // kubectl keeps a cache there.
        HOME: cluster.folder,
        KUBECONFIG: cluster.kubeconfig,
        NO_PROXY: '*',
      },
      signal,
    })

  it('through a tunnel to the router, into a sandbox with a kernel of its own', async () => {
    expect(await use('isolated', ['tunnel'])).toEqual(seenInASandbox)
  })

  it('to the Pod itself, from within the cluster', async () => {
    const [netns] = await networkNamespaces(clusterId(cluster.folder))
    expect(await use('plain', ['in-cluster'], ['nsenter', `--net=${netnsFolder}/${netns}`])).toEqual(seenInASandbox)
  })

  describe('where the router is open to others', () => {
    let address: string
    beforeAll(async () => {
      await install(cluster, 'open')
      address = await cluster.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].status.addresses[0].address}')
      await apply(frontDoor(address))
    }, 5 * minutes)

    it('to an address that it is told', async () => {
      expect(await use('plain', ['direct', `http://${address}`, '8888'])).toEqual(seenInASandbox)
    })

    it('to that of a Gateway', async () => {
      await apply(gatewayKind)
      const gateway = {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        metadata: { name: 'front', namespace: 'default' },
        status: { addresses: [{ type: 'IPAddress', value: address }] },
      }
      // The kind is served a moment after it was accepted.
      await expect.poll(() => apply(gateway).then(Boolean, () => false)).toBe(true)
      expect(await use('plain', ['gateway', 'front'])).toEqual(seenInASandbox)
    })
  })

  it('leaves nothing: neither claims, nor Sandboxes that are not the pools’', async () => {
    const left = () =>
      cluster.kubectl('get', 'sandboxclaims,sandboxes', '-l', '!agents.x-k8s.io/warm-pool-sandbox', '-o', 'name')
    await expect.poll(left, { timeout: minutes }).toBe('')
  })
})

/** Operator, router and kinds, from our manifests; changes only who may use the router when they are there already. */
async function install(cluster: TestCluster, router: RouterAccess): Promise<void> {
  for (const item of manifests({ image: operatorImage, namespace: defaultNamespace, router })) {
    await cluster.kubectlInput(JSON.stringify(item), 'apply', '--server-side', '-f', '-')
  }
  for (const name of [operatorName, routerName]) {
    await cluster.kubectl('rollout', 'status', `deployment/${name}`, '-n', defaultNamespace, '--timeout=180s')
  }
}

const operatorImage = 'bulkhead.test/operator:1'

async function loadOperator(cluster: TestCluster): Promise<void> {
  const archive = path.join(cluster.folder, 'operator.tar')
  await writeFile(archive, await operatorArchive({ name: operatorImage, version: 'test', root, bundle }, signal))
  await cluster.loadImage(archive)
}

/** The router at a node's address, as a load balancer would make it. */
const frontDoor = (address: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'front', namespace: defaultNamespace },
  spec: { selector: { app: routerName }, externalIPs: [address], ports: [{ port: 80, targetPort: 'http' }] },
})

/** A template and a pool of one, of the same name. */
const sandboxObjects = (name: string, runtimeClassName?: string) => [
  {
    apiVersion: apiVersionOf(sandboxTemplates),
    kind: sandboxTemplates.kind,
    metadata: { name, namespace: 'default' },
    spec: {
      podTemplate: {
        spec: {
          ...(runtimeClassName && { runtimeClassName }),
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: 'runtime',
              image: runtimeImage,
              ports: [{ containerPort: 8888 }],
              readinessProbe: { httpGet: { path: '/', port: 8888 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: apiVersionOf(sandboxWarmPools),
    kind: sandboxWarmPools.kind,
    metadata: { name, namespace: 'default' },
    spec: { replicas: 1, sandboxTemplateRef: { name } },
  },
]

/** As much of it as the SDK reads; what would serve it is the router that runs beside the cluster. */
const gatewayKind = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'gateways.gateway.networking.k8s.io',
    annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' },
  },
  spec: {
    group: 'gateway.networking.k8s.io',
    scope: 'Namespaced',
    names: { plural: 'gateways', singular: 'gateway', kind: 'Gateway', listKind: 'GatewayList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
}
