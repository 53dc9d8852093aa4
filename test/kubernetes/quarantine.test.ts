import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kindManifests, toYaml } from '../../packages/kubernetes/src/manifests/index.ts'
import { quarantineAdmission } from '../../packages/kubernetes/src/manifests/quarantine-admission.ts'
import { busyboxImage, openCluster, type TestCluster, whyNotHere } from '../../tools/cluster/test-cluster.ts'
import { OperatorProcess, operatorNamespace } from './support/operator-process.ts'
import { until } from './support/until.ts'

const minutes = 60_000
const namespace = 'tenant'
const extensions = 'extensions.agents.x-k8s.io/v1beta1'
const reason = await whyNotHere(AbortSignal.timeout(minutes))
if (reason) process.stderr.write(`test/kubernetes is skipped, because ${reason}\n`)

const containers = [{ name: 'main', image: busyboxImage, command: ['sleep', '3600'] }]
const podTemplate = { spec: { runtimeClassName: 'gvisor', terminationGracePeriodSeconds: 1, containers } }
const object = (apiVersion: string, kind: string, name: string, spec: object) => ({
  apiVersion,
  kind,
  metadata: { name, namespace },
  spec,
})

/** What only a whole cluster shows: a kubelet behind exec, a garbage collector, kernels that start. The network of this one enforces no policies. */
describe.skipIf(reason !== undefined)('quarantine on a cluster', () => {
  const undo = new AsyncDisposableStack()
  let cluster: TestCluster

  beforeAll(async () => {
    cluster = undo.use(await openCluster({ nodes: 1, fakeNodes: 0 }, AbortSignal.timeout(30 * minutes)))
    const manifests = [
      ...kindManifests({ namespace: operatorNamespace, image: 'i' }),
      ...quarantineAdmission({ namespace: operatorNamespace }),
    ]
    await cluster.kubectlInput(
      toYaml(manifests.filter(({ kind }) => kind === 'Namespace' || kind === 'CustomResourceDefinition')),
      'apply',
      '--server-side',
      '-f',
      '-'
    )
    const isServed = (kind: string) =>
      cluster.kubectl('get', kind, '-A').then(
        () => true,
        () => false
      )
    for (const kind of ['sandboxclaims', 'swp', 'quarantines']) await until(`${kind} are served`, () => isServed(kind))
    await cluster.kubectlInput(toYaml(manifests), 'apply', '--server-side', '-f', '-')
    await cluster.kubectl('create', 'namespace', namespace)
    await cluster.kubectl('create', 'rolebinding', 'tenant', '-n', namespace, '--clusterrole=edit', '--user=tenant')
  }, 30 * minutes)
  afterAll(() => undo.disposeAsync(), 2 * minutes)

  const kubectl = (...args: string[]) => cluster.kubectl('-n', namespace, ...args)
  const field = async (what: string, path: string) => (await kubectl('get', what, '-o', `jsonpath=${path}`)).trim()
  const create = (...items: object[]) =>
    cluster.kubectlInput(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }), 'create', '-f', '-')

  it(
    'a claim is served on within seconds; its old Pod runs on, and nobody comes in',
    async () => {
      await using _operator = await OperatorProcess.start({ kubeconfig: cluster.kubeconfig })
      await create(
        object(extensions, 'SandboxTemplate', 't', { podTemplate }),
        object(extensions, 'SandboxWarmPool', 'p', { replicas: 2, sandboxTemplateRef: { name: 't' } })
      )
      await until('a full pool', async () => (await field('swp/p', '{.status.readyReplicas}')) === '2')
      await create(object(extensions, 'SandboxClaim', 'c', { warmPoolRef: { name: 'p' } }))
      await kubectl('wait', 'sandboxclaim/c', '--for=condition=Ready', '--timeout=60s')
      const bad = await field('sandboxclaim/c', '{.status.sandbox.name}')
      const uid = await field(`pod/${bad}`, '{.metadata.uid}')
      expect(await kubectl('--as=tenant', 'exec', bad, '--', 'echo', 'in')).toBe('in\n')

      await create(object('bulkhead.dev/v1alpha1', 'Quarantine', 'q', { sandboxRef: { name: bad }, reason: 'a test' }))
      await kubectl('wait', 'quarantine/q', '--for=condition=Replaced', '--timeout=60s')
      const clean = await field('sandboxclaim/c', '{.status.sandbox.name}')
      expect(clean).not.toBe(bad)
      expect(await kubectl('--as=tenant', 'exec', clean, '--', 'echo', 'in')).toBe('in\n')
      await expect(kubectl('--as=tenant', 'exec', bad, '--', 'echo', 'in')).rejects.toThrow('is in quarantine')
      await expect(kubectl('--as=tenant', 'delete', 'pod', bad)).rejects.toThrow('is in quarantine')
      await expect(kubectl('--as=tenant', 'delete', 'quarantine', 'q')).rejects.toThrow('forbidden')
      // Whoever may examine does: the evidence is there, and alive.
      expect(await kubectl('exec', bad, '--', 'echo', 'in')).toBe('in\n')
      expect(await field(`pod/${bad}`, '{.metadata.uid}')).toBe(uid)

      const policy = `networkpolicy/bulkhead-quarantine-${await field('quarantine/q', '{.metadata.uid}')}`
      expect(await kubectl('get', policy, '-o', 'name')).toContain(policy.split('/')[1])
      await kubectl('delete', 'quarantine', 'q')
      await kubectl('wait', `pod/${bad}`, '--for=delete', '--timeout=60s')
      await kubectl('wait', policy, '--for=delete', '--timeout=60s')
    },
    5 * minutes
  )
})
