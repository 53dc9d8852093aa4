import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  annotation,
  type Quarantine,
  quarantineLabel,
  quarantines,
  type Sandbox,
  sandboxClaims,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../src/api/index.ts'
import {
  type ApiClient,
  findCondition,
  isNotFound,
  mergePatch,
  namespaces,
  networkPolicies,
  type Pod,
  pods,
  resourceType,
  type Stored,
} from '../src/controller/index.ts'
import { quarantineAdmission } from '../src/manifests/quarantine-admission.ts'
import { coreControllers, extensionControllers } from '../src/operator/controllers.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { installKinds } from './support/install-kinds.ts'
import { startOperator } from './support/running-operator.ts'

const namespace = 'tenant'
const podTemplate = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'main', image: 'i' }] } }
const admission = (kind: string, plural: string) =>
  resourceType({ group: 'admissionregistration.k8s.io', version: 'v1', plural, kind, namespaced: false })
const admissionTypes = [
  admission('ValidatingAdmissionPolicy', 'validatingadmissionpolicies'),
  admission('ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings'),
]

/** No kubelet: the test says how Pods are. No garbage collector: what belongs to what is gone stays. */
describe.skipIf(skipped())('a Quarantine', () => {
  let plane: ControlPlane
  let client: ApiClient
  const undo = new AsyncDisposableStack()

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    client = undo.use(await plane.client()).client
    await installKinds(client)
    await client.create(namespaces, { metadata: { name: namespace } })
    for (const manifest of quarantineAdmission({ namespace: 'agent-sandbox-system' })) {
      const type = admissionTypes.find(({ kind }) => kind === manifest.kind)
      if (!type) expect.fail(`no type for ${manifest.kind}`)
      await client.create(type, manifest)
    }
    // Someone who may do everything but see quarantines: more than Kubernetes' role `edit`.
    const rules = [
      { apiGroups: [''], resources: ['*'], verbs: ['*'] },
      { apiGroups: ['networking.k8s.io'], resources: ['*'], verbs: ['*'] },
    ]
    await kubectlInput({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'all', namespace },
      rules,
    })
    await kubectlInput({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'all', namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'all' },
      subjects: [{ kind: 'User', name: 'tenant', apiGroup: 'rbac.authorization.k8s.io' }],
    })
    undo.use(startOperator(plane, ['--extensions'], { core: coreControllers, extensions: extensionControllers }))
  })
  afterAll(() => undo.disposeAsync())

  const own = (name: string) => ({ namespace, name })
  const gone = <T>(getting: Promise<T>): Promise<T | undefined> =>
    getting.catch((error) => {
      if (!isNotFound(error)) throw error
      return undefined
    })

  const kubectlPath = () =>
    path.join(
      (process.env.BULKHEAD_TEST_KUBERNETES ?? '')
        .split(path.delimiter)
        .find((folder) => folder.includes('kubernetes')) ?? '',
      'kubectl'
    )
  async function kubectl(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(kubectlPath(), [
      '--kubeconfig',
      plane.kubeconfig,
      '-n',
      namespace,
      ...args,
    ])
    return stdout
  }
  async function kubectlInput(object: object): Promise<void> {
    const running = promisify(execFile)(kubectlPath(), ['--kubeconfig', plane.kubeconfig, 'create', '-f', '-'])
    running.child.stdin?.end(JSON.stringify(object))
    await running
  }
  /** What kubectl says when the tenant tries. */
  const refusal = (...args: string[]): Promise<string> =>
    kubectl('--as', 'tenant', ...args).then(
      () => 'done',
      ({ stderr }: { stderr: string }) => stderr
    )

  /** What kubectl says when the tenant tries. */
  const evicted = (eviction: { readonly metadata: { readonly name: string } }): Promise<string> => {
    const url = `/api/v1/namespaces/${namespace}/pods/${eviction.metadata.name}/eviction`
    const args = ['--kubeconfig', plane.kubeconfig, '--as', 'tenant', 'create', '--raw', url, '-f', '-']
    const running = promisify(execFile)(kubectlPath(), args)
    running.child.stdin?.end(JSON.stringify(eviction))
    return running.then(
      () => 'done',
      ({ stderr }: { stderr: string }) => stderr
    )
  }

  async function podIsReady(name: string): Promise<Stored<Pod>> {
    await expect.poll(() => gone(client.get(pods, own(name)))).toBeTruthy()
    const status = { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], conditions: [{ type: 'Ready', status: 'True' }] }
    return client.patch(pods, own(name), mergePatch({ status }), { subresource: 'status' })
  }
  const isReady = async (name: string) =>
    findCondition((await gone(client.get(sandboxes, own(name))))?.status?.conditions, 'Ready')?.status === 'True'
  const quarantine = (name: string, spec: Partial<Quarantine['spec']> = {}) =>
    client.create(quarantines, {
      metadata: own(`q-${name}`),
      spec: { sandboxRef: { name }, ...spec },
    }) as Promise<Stored<Quarantine>>
  const conditions = async (name: string) => {
    const { status } = await client.get(quarantines, own(name))
    return Object.fromEntries(
      (status?.conditions ?? []).map(({ type, status: is, reason }) => [type, `${is} ${reason}`])
    )
  }

  it('of a claim’s Sandbox: the claim has another, and nobody reaches into the Pod', async () => {
    await client.create(sandboxTemplates, { metadata: own('template'), spec: { podTemplate } })
    await client.create(sandboxWarmPools, {
      metadata: own('pool'),
      spec: { replicas: 2, sandboxTemplateRef: { name: 'template' } },
    })
    await expect.poll(async () => (await client.list(sandboxes, { namespace })).items.length).toBe(2)
    for (const { metadata } of (await client.list(sandboxes, { namespace })).items) {
      await podIsReady(metadata.name)
      await expect.poll(() => isReady(metadata.name)).toBe(true)
    }
    await client.create(sandboxClaims, { metadata: own('claim'), spec: { warmPoolRef: { name: 'pool' } } })
    const claimed = async () => (await client.get(sandboxClaims, own('claim'))).status
    await expect.poll(async () => findCondition((await claimed())?.conditions, 'Ready')?.status).toBe('True')
    const bad = (await claimed())?.sandbox?.name as string
    const before = await client.get(pods, own(bad))

    const { metadata } = await quarantine(bad, { reason: 'odd traffic' })
    await expect.poll(async () => (await claimed())?.sandbox?.name).not.toBe(bad)
    await expect
      .poll(() => conditions(metadata.name))
      .toEqual({
        TrafficCut: 'True Denied',
        TokensInvalidated: 'True NoTokens',
        Replaced: 'True ClaimServed',
        Ended: 'False Held',
      })

    const pod = await client.get(pods, own(bad))
    expect(pod.metadata.uid).toBe(before.metadata.uid)
    expect(pod.metadata.labels).toEqual({ [quarantineLabel]: metadata.uid })
    expect(pod.metadata.ownerReferences).toMatchObject([{ kind: 'Quarantine', uid: metadata.uid, controller: true }])
    expect(await gone(client.get(sandboxes, own(bad)))).toBeUndefined()
    const policy = await client.get(networkPolicies, own(`bulkhead-quarantine-${metadata.uid}`))
    expect(policy.spec).toEqual({
      podSelector: { matchLabels: { [quarantineLabel]: metadata.uid } },
      policyTypes: ['Ingress', 'Egress'],
    })

    // The API server's cache of Quarantines follows by a watch.
    await expect.poll(() => refusal('exec', bad, '--', 'true')).toContain('is in quarantine')
    expect(await refusal('attach', bad)).toContain('is in quarantine')
    expect(await refusal('port-forward', bad, ':80')).toContain('is in quarantine')
    expect(await refusal('get', '--raw', `/api/v1/namespaces/${namespace}/pods/${bad}/proxy/`)).toContain(
      'is in quarantine'
    )
    expect(await refusal('label', 'pod', bad, `${quarantineLabel}-`)).toContain('is in quarantine')
    expect(await refusal('delete', 'pod', bad)).toContain('is in quarantine')
    expect(await refusal('debug', bad, '--image', 'i', '--target', 'main')).toContain('is in quarantine')
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: own(bad) }
    expect(await evicted(eviction)).toContain('is in quarantine')
    // Into others it gets as far as it does without a kubelet; who may examine, into this one, too.
    const other = (await claimed())?.sandbox?.name as string
    expect(await refusal('exec', other, '--', 'true')).not.toContain('quarantine')
    await expect(kubectl('exec', bad, '--', 'true')).rejects.not.toThrow('quarantine')

    // What the tenant may do to the policy is undone.
    await client.delete(networkPolicies, policy.metadata)
    await expect.poll(() => gone(client.get(networkPolicies, policy.metadata))).toBeTruthy()
    // And what it allows by others is told.
    await client.create(networkPolicies, {
      metadata: own('all'),
      spec: { podSelector: {}, egress: [{}], policyTypes: ['Egress'] },
    })
    await expect.poll(async () => (await conditions(metadata.name)).TrafficCut).toBe('False OtherPoliciesAllow')
    await client.delete(networkPolicies, own('all'))
    await expect.poll(async () => (await conditions(metadata.name)).TrafficCut).toBe('True Denied')

    await client.delete(pods, own(bad), { gracePeriodSeconds: 0 })
    await expect.poll(async () => (await conditions(metadata.name)).Ended).toBe('True PodGone')
  })

  it('of a Sandbox that stands by itself: it has another Pod beside', async () => {
    await client.create(sandboxes, { metadata: own('alone'), spec: { podTemplate } } as Sandbox)
    const before = await podIsReady('alone')
    await expect.poll(() => isReady('alone')).toBe(true)
    const { metadata } = await quarantine('alone')
    const named = async () => (await client.get(sandboxes, own('alone'))).metadata.annotations?.[annotation.podName]
    await expect.poll(named).toMatch(/^alone-q[0-9a-f]{8}$/)
    expect((await client.get(pods, own('alone'))).metadata.uid).toBe(before.metadata.uid)
    await podIsReady((await named()) as string)
    await expect.poll(async () => (await conditions(metadata.name)).Replaced).toBe('True PodReplaced')
  })

  it('for no time: the Pod is killed', async () => {
    await client.create(sandboxes, { metadata: own('brief'), spec: { podTemplate } } as Sandbox)
    const before = await podIsReady('brief')
    await expect.poll(() => isReady('brief')).toBe(true)
    const { metadata } = await quarantine('brief', { retention: '0s' })
    await expect.poll(async () => (await conditions(metadata.name)).Ended).toBe('True PodGone')
    const { items } = await client.list(pods, { namespace })
    expect(items.map(({ metadata: { uid } }) => uid)).not.toContain(before.metadata.uid)
  })

  it('of what is not there says so', async () => {
    const { metadata } = await quarantine('nothing')
    await expect.poll(async () => (await conditions(metadata.name)).Ended).toBe('True NothingToHold')
  })

  it.each(['25h', '-1s', 'soon', ''])('for "%s" is refused', async (retention) => {
    await expect(quarantine('refused', { retention })).rejects.toThrow(/duration|retention/)
  })

  it('is not changed', async () => {
    const { metadata } = await quarantine('fixed')
    const patch = mergePatch({ spec: { retention: '2h' } })
    await expect(client.patch(quarantines, metadata, patch)).rejects.toThrow('is not changed')
  })
})
