/** What a real node's container runtime says, read through its socket: a pod with a kernel of its own, and one without. */
import { type Cri, openCri } from '@bulkhead/witness/cri'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { busyboxImage, openCluster, type TestCluster, whyNotHere } from '../../tools/cluster/test-cluster.ts'
import { nodeRoot } from './support/node-root.ts'

const minutes = 60_000
const patience = () => AbortSignal.timeout(30_000)
const reason = await whyNotHere(AbortSignal.timeout(minutes))
if (reason) process.stderr.write(`test/kubernetes is skipped, because ${reason}\n`)

const pod = (name: string, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: busyboxImage, command: ['sleep', '3600'] }],
    ...spec,
  },
})

describe.skipIf(reason !== undefined)('the container runtime of a node', () => {
  let cluster: TestCluster
  let cri: Cri
  beforeAll(async () => {
    cluster = await openCluster({ nodes: 1, fakeNodes: 0 }, AbortSignal.timeout(30 * minutes))
    cri = openCri(`${nodeRoot(cluster, 'node-1')}/run/containerd/containerd.sock`)
    for (const one of [pod('isolated', { runtimeClassName: 'gvisor' }), pod('plain')])
      await cluster.kubectlInput(JSON.stringify(one), 'create', '-f', '-')
    await cluster.kubectl('wait', 'pod/isolated', 'pod/plain', '--for=condition=Ready', '--timeout=60s')
  }, 10 * minutes)
  afterAll(async () => {
    cri?.[Symbol.dispose]()
    await cluster?.[Symbol.asyncDispose]()
  }, 2 * minutes)

  const named = async (name: string) => (await cri.listPods(patience())).filter((one) => one.name === name)

  it('says what it is', async () => {
    expect(await cri.version(patience())).toMatchObject({ name: 'containerd', version: expect.stringMatching(/2\./) })
  })

  it.each([
    ['isolated', 'runsc', 'io.containerd.runsc.v1'],
    ['plain', '', 'io.containerd.runc.v2'],
  ])('says by what it runs the pod %s', async (name, handler, runtimeType) => {
    const uid = await cluster.kubectl('get', 'pod', name, '-o', 'jsonpath={.metadata.uid}')
    const found = await named(name)
    expect(found).toHaveLength(1)
    const process = { pid: expect.any(Number), runtimeType }
    expect(found[0]).toMatchObject({ uid, namespace: 'default', handler, ready: true, process })
    expect(found[0]?.containers).toMatchObject([{ name: 'main', state: 'running', process }])
    expect(Date.now() - Number(found[0]?.createdAt)).toBeLessThan(10 * minutes)
  })

  it('has no process of a pod that is gone', async () => {
    await cluster.kubectl('delete', 'pod', 'plain', '--wait=true')
    await expect.poll(async () => (await named('plain')).filter((one) => one.process)).toEqual([])
    expect(await named('isolated')).toMatchObject([{ process: { pid: expect.any(Number) } }])
  })
})
