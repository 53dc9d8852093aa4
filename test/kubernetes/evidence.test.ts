/** Witnesses on real nodes: what they see, what they catch, and that their silence is noticed. The steps build on one another. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KernelStatus, NodeWitness, WitnessedPod } from '../../packages/kubernetes/src/api/index.ts'
import { manifests, toYaml } from '../../packages/kubernetes/src/manifests/index.ts'
import { busyboxImage, openCluster, type TestCluster, whyNotHere } from '../../tools/cluster/test-cluster.ts'
import { bundle } from '../../tools/operator/bundle.ts'
import { operatorArchive } from '../../tools/operator/image.ts'
import { swapHandler } from './support/swapped-handler.ts'

const minutes = 60_000
const root = path.resolve(import.meta.dirname, '../..')
const image = 'bulkhead.test/operator:test'
const operator = 'agent-sandbox-controller'
const patience = { timeout: minutes }

const reason = await whyNotHere(AbortSignal.timeout(minutes))
if (reason) process.stderr.write(`test/kubernetes is skipped, because ${reason}\n`)

const podSpec = (node: string, runtimeClassName?: string) => ({
  nodeName: node,
  terminationGracePeriodSeconds: 0,
  ...(runtimeClassName && { runtimeClassName }),
  containers: [{ name: 'main', image: busyboxImage, command: ['sleep', '3600'] }],
})
const pod = (name: string, node: string, runtimeClassName?: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: podSpec(node, runtimeClassName),
})
const sandbox = (name: string, node: string, runtimeClassName?: string) => ({
  apiVersion: 'agents.x-k8s.io/v1beta1',
  kind: 'Sandbox',
  metadata: { name },
  spec: { podTemplate: { spec: podSpec(node, runtimeClassName) } },
})

describe.skipIf(reason !== undefined)('evidence', () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await openCluster({ nodes: 3, fakeNodes: 0 }, AbortSignal.timeout(30 * minutes))
    const archive = await operatorArchive({ name: image, version: 'test', root, bundle }, AbortSignal.timeout(minutes))
    const file = path.join(cluster.folder, 'operator.tar')
    await writeFile(file, archive)
    await cluster.loadImage(file)
    const text = toYaml(manifests({ image, namespace: 'agent-sandbox-system', witness: true }))
    await cluster.kubectlInput(text, 'apply', '--server-side', '-f', '-')
    await kubectl('-n', 'agent-sandbox-system', 'rollout', 'status', `deployment/${operator}`, '--timeout=120s')
    await kubectl('-n', 'bulkhead-witness', 'rollout', 'status', 'daemonset/bulkhead-witness', '--timeout=120s')
  }, 10 * minutes)
  afterAll(() => cluster?.[Symbol.asyncDispose](), 2 * minutes)

  const kubectl = (...args: string[]) => cluster.kubectl(...args)
  const create = (object: object) => cluster.kubectlInput(JSON.stringify(object), 'create', '-f', '-')
  const witness = async (node: string): Promise<NodeWitness> =>
    JSON.parse(await kubectl('get', 'nodewitness', node, '-o', 'json'))
  const seen = async (node: string, name: string): Promise<WitnessedPod | undefined> =>
    (await witness(node)).status?.pods?.find((one) => one.name === name)
  const kernel = async (name: string): Promise<KernelStatus | undefined> =>
    JSON.parse(await kubectl('get', 'sandbox', name, '-o', 'json')).status?.kernel

  it('has a witness of each node, with what the node is', async () => {
    const bootID = await kubectl('get', 'node', 'node-1', '-o', 'jsonpath={.status.nodeInfo.bootID}')
    for (const node of cluster.nodes) {
      await expect
        .poll(async () => (await witness(node).catch(() => undefined))?.status, patience)
        .toMatchObject({ bootID, mismatches: 0, runtime: { name: 'containerd' } })
      const own = (await witness(node)).status?.pods?.find(({ namespace }) => namespace === 'bulkhead-witness')
      expect(own).toMatchObject({ verdict: 'Shared', reason: 'NodeKernel', class: 'shared' })
    }
  })

  it('sees a kernel of its own, and the node’s', async () => {
    await create(pod('isolated', 'node-1', 'gvisor'))
    await create(pod('plain', 'node-1'))
    await expect
      .poll(() => seen('node-1', 'isolated'), patience)
      .toMatchObject({
        verdict: 'Isolated',
        reason: 'OwnKernel',
        class: 'userspace',
        handler: 'runsc',
        runtime: 'runsc io.containerd.runsc.v1',
        process: { executable: expect.stringMatching(/\/runsc$/), seccomp: 2 },
      })
    expect((await seen('node-1', 'isolated'))?.process).not.toHaveProperty('capabilities')
    await expect
      .poll(() => seen('node-1', 'plain'), patience)
      .toMatchObject({
        verdict: 'Shared',
        class: 'shared',
        process: { executable: '/pause' },
      })
  })

  it('catches a RuntimeClass that says gVisor and is runc', async () => {
    const classed = {
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'gvisor-fast' },
      handler: 'runc',
    }
    await create(classed)
    await create(pod('posing', 'node-1', 'gvisor-fast'))
    await expect
      .poll(() => seen('node-1', 'posing'), patience)
      .toMatchObject({ verdict: 'Mismatch', reason: 'NodeKernel', class: 'shared', handler: 'runc' })
  })

  it('catches a handler that is another on one node, and is not fooled by the name of a file', async () => {
    await swapHandler(cluster, 'node-2')
    const named = ['sh', '-c', 'cp /bin/busybox /tmp/runsc && exec /tmp/runsc sh -c "while true; do sleep 1; done"']
    const posing = pod('swapped', 'node-2', 'gvisor')
    const [main] = posing.spec.containers
    await create({ ...posing, spec: { ...posing.spec, containers: [{ ...main, command: named }] } })
    await kubectl('wait', 'pod/swapped', '--for=condition=Ready', '--timeout=60s')
    await expect
      .poll(() => seen('node-2', 'swapped'), patience)
      .toMatchObject({
        verdict: 'Mismatch',
        reason: 'NodeKernel',
        handler: 'runsc',
        runtime: 'runsc io.containerd.runc.v2',
      })
  })

  it('stamps Sandboxes with what was seen, and warns', async () => {
    await create(sandbox('good', 'node-1', 'gvisor'))
    await create(sandbox('bad', 'node-2', 'gvisor'))
    await expect
      .poll(() => kernel('good'), patience)
      .toMatchObject({ verdict: 'Isolated', class: 'userspace', runtime: 'runsc' })
    const bootID = await kubectl('get', 'node', 'node-2', '-o', 'jsonpath={.status.nodeInfo.bootID}')
    await expect
      .poll(() => kernel('bad'), patience)
      .toMatchObject({ verdict: 'Mismatch', reason: 'NodeKernel', class: 'shared', bootID })
    const events = () =>
      kubectl('get', 'events', '-o', 'jsonpath={.items[?(@.reason=="KernelMismatch")].involvedObject.name}')
    await expect.poll(events, patience).toBe('bad')
  })

  it('puts a stamp right that somebody else has written', async () => {
    const forged = { status: { kernel: { verdict: 'Isolated', class: 'hardware' } } }
    await kubectl('patch', 'sandbox', 'bad', '--subresource=status', '--type=merge', '-p', JSON.stringify(forged))
    await expect.poll(() => kernel('bad'), patience).toMatchObject({ verdict: 'Mismatch', class: 'shared' })
  })

  it('lets nobody write for a witness, not even an administrator', async () => {
    const forged = { status: { mismatches: 0, pods: [] } }
    const write = kubectl(
      'patch',
      'nodewitness',
      'node-2',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify(forged)
    )
    await expect(write).rejects.toThrow('only the witnesses write a NodeWitness')
  })

  it('believes no witness that has fallen silent', { timeout: 4 * minutes }, async () => {
    const keepOff = { spec: { template: { spec: { nodeSelector: { nowhere: 'true' } } } } }
    await kubectl('-n', 'bulkhead-witness', 'patch', 'daemonset', 'bulkhead-witness', '-p', JSON.stringify(keepOff))
    await expect
      .poll(() => kernel('good'), { timeout: 2 * minutes })
      .toMatchObject({ verdict: 'Unknown', reason: 'WitnessSilent' })
    const back = { spec: { template: { spec: { nodeSelector: { nowhere: null } } } } }
    await kubectl('-n', 'bulkhead-witness', 'patch', 'daemonset', 'bulkhead-witness', '-p', JSON.stringify(back))
    await expect.poll(() => kernel('good'), patience).toMatchObject({ verdict: 'Isolated' })
  })
})
