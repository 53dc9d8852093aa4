import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type IsolationPolicy, isolationPolicies, sandboxes, trustLabel } from '../src/api/index.ts'
import {
  type ApiClient,
  events,
  findCondition,
  type KubernetesObject,
  mergePatch,
  namespaces,
  nodes,
  type ObjectMeta,
  pods,
  resourceType,
} from '../src/controller/index.ts'
import { validatingPolicies } from '../src/isolation/admission-resources.ts'
import { coreControllers } from '../src/operator/controllers.ts'
import { openAsUser, permit, permitToEdit } from './support/as-user.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { lacksControllerManager, startControllers } from './support/controller-manager.ts'
import { installKinds } from './support/install-kinds.ts'
import {
  compliant,
  createNamespace,
  createPod,
  createPolicy,
  createRuntimeClasses,
  gvisorOverhead,
  image,
  type PodPart,
  readyOf,
  refusal,
  serviceAccounts,
} from './support/isolation-world.ts'
import { startOperator } from './support/running-operator.ts'

const isolated = { isolation: 'on' }
const container = { name: 'main', image }
const tenant = 'tenant'

/** As `expect.poll`, also before tests. */
const until = (check: () => Promise<unknown>) => vi.waitFor(check, { timeout: 20_000, interval: 50 })

const workload = <T extends KubernetesObject>(kind: string, plural: string, group = 'apps') =>
  resourceType<T>({ group, version: 'v1', plural, kind, namespaced: true })

describe.skipIf(skipped())('an IsolationPolicy, in a real API server', () => {
  let plane: ControlPlane
  let client: ApiClient
  /** Has `edit` in its namespace, and may change its namespace's labels. */
  let asTenant: ApiClient
  const undo = new AsyncDisposableStack()

  /** Resolves when the API server has taken notice: it does so a moment after the policy is there. */
  const enforced = (namespace: string, spec: PodPart = { hostPID: true }, metadata: ObjectMeta = {}) =>
    until(async () => expect(await refusal(createPod(client, namespace, spec, metadata, true))).toBeDefined())

  beforeAll(async () => {
    plane = undo.use(await openControlPlane({ accountTokens: true }))
    client = undo.use(await plane.client()).client
    asTenant = undo.use(await openAsUser(plane, tenant)).client
    await installKinds(client)
    await createRuntimeClasses(client)
    await createNamespace(client, 'isolated', isolated)
    await createNamespace(client, 'free')
    await permitToEdit(client, tenant, 'isolated')
    await permit(client, tenant, 'label-own-namespace', [
      {
        apiGroups: [''],
        resources: ['namespaces', 'namespaces/status', 'namespaces/finalize'],
        resourceNames: ['isolated', 'untrusted'],
        verbs: ['get', 'patch', 'update'],
      },
    ])
    undo.use(startOperator(plane, ['--isolation'], { core: coreControllers, extensions: [] }))
    await createPolicy(client, 'agents', {
      namespaceSelector: { matchLabels: isolated },
      defaultRuntimeClassName: 'gvisor',
      trustLevels: [
        { level: 'untrusted', runtimeClassName: 'kata' },
        { level: 'reviewed', runtimeClassName: 'gvisor' },
      ],
    })
    await until(async () =>
      expect(await readyOf(client, 'agents')).toMatchObject({ status: 'True', reason: 'Enforced' })
    )
    await enforced('isolated')
    // What is filled in is noticed by itself.
    await until(() => createPod(client, 'isolated', { runtimeClassName: undefined }, {}, true))
  })
  afterAll(() => undo.disposeAsync())

  const asPolicy = (spec: object, name = 'some') =>
    client.create(isolationPolicies, { metadata: { name }, spec } as IsolationPolicy, {
      dryRun: true,
      fieldValidation: 'Strict',
    })

  it('is documented by examples that the API server takes', async () => {
    const docs = readFileSync(new URL('../../../docs/kubernetes/isolation.md', import.meta.url), 'utf8')
    const examples = [...docs.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      ([, yaml = '']) => load(yaml) as Partial<IsolationPolicy>
    )
    const specs = examples.flatMap(({ spec }) => spec ?? [])
    expect(specs).toHaveLength(2)
    for (const spec of specs) await asPolicy(spec)
  })

  const gvisor = { name: 'gvisor', class: 'userspace' }
  it.each<[what: string, spec: object, why: RegExp, name?: string]>([
    ['could let no Pod in', { minimumClass: 'hardware' }, /no Pod could ever run/],
    ['fills in what it does not know', { defaultRuntimeClassName: 'runc' }, /defaultRuntimeClassName must be one of/],
    [
      'asks by a level for what it does not know',
      { trustLevels: [{ level: 'a', runtimeClassName: 'runc' }] },
      /each runtimeClassName in trustLevels must be one of/,
    ],
    [
      'fills in what is too weak',
      {
        minimumClass: 'hardware',
        runtimeClasses: [gvisor, { name: 'kata', class: 'hardware' }],
        defaultRuntimeClassName: 'gvisor',
      },
      /of minimumClass or stronger/,
    ],
    ['knows a RuntimeClass twice', { runtimeClasses: [gvisor, gvisor] }, /Duplicate value/],
    ['knows none', { runtimeClasses: [] }, /at least 1 item/],
    ['allows what there is not', { podSecurity: { allow: ['Everything'] } }, /Unsupported value/],
    ['says nothing of namespaces', { namespaceSelector: undefined }, /namespaceSelector: Required/],
    ['has a name that is too long for what it is compiled to', {}, /at most 63/, 'a'.repeat(64)],
  ])('is not taken when it %s', async (_, spec, why, name) => {
    await expect(asPolicy({ namespaceSelector: {}, runtimeClasses: [gvisor], ...spec }, name)).rejects.toThrow(why)
  })

  it('lets a Pod in that complies', async () => {
    expect(await refusal(createPod(asTenant, 'isolated', {}))).toBeUndefined()
  })

  const projected = (audience?: string) => ({
    volumes: [
      {
        name: 'token',
        projected: { sources: [{ serviceAccountToken: { path: 'token', ...(audience && { audience }) } }] },
      },
    ],
  })
  const unconfined = { seccompProfile: { type: 'Unconfined' } }

  it.each<[what: string, spec: PodPart, why: string]>([
    [
      'the node’s own kernel',
      { runtimeClassName: 'runc' },
      'spec.runtimeClassName runc is of no isolation class: set it to gvisor or kata',
    ],
    ['the node’s network', { hostNetwork: true }, 'spec.hostNetwork, hostPID and hostIPC share'],
    ['the node’s processes', { hostPID: true }, 'spec.hostNetwork, hostPID and hostIPC share'],
    ['the node’s IPC', { hostIPC: true }, 'spec.hostNetwork, hostPID and hostIPC share'],
    [
      'the node’s files',
      { volumes: [{ name: 'root', hostPath: { path: '/' } }] },
      'hostPath volumes (root) are files of the node: use emptyDir',
    ],
    [
      'a port of the node',
      { containers: [{ ...container, ports: [{ containerPort: 80, hostPort: 80 }] }] },
      'containers (main) take ports of the node: use a Service',
    ],
    [
      'a privileged container',
      { containers: [{ ...container, securityContext: { privileged: true } }] },
      'containers (main) are privileged: leave',
    ],
    [
      'a privileged init container',
      { initContainers: [{ name: 'first', image, securityContext: { privileged: true } }] },
      'containers (first) are privileged',
    ],
    [
      'an automounted token',
      { automountServiceAccountToken: true },
      'bring a token for the API server: set spec.automountServiceAccountToken to false',
    ],
    ['a token it asks for', projected(), 'volumes (token) bring a token for the API server'],
    ['no seccomp profile', { securityContext: unconfined }, 'containers (main) have no seccomp profile: set'],
    [
      'one container without a seccomp profile',
      { initContainers: [{ name: 'first', image, securityContext: unconfined }] },
      'containers (first) have no seccomp profile',
    ],
  ])('refuses a tenant a Pod with %s, and says what to do', async (_, spec, why) => {
    const said = await refusal(createPod(asTenant, 'isolated', spec))
    expect(said).toContain(`IsolationPolicy "agents": `)
    expect(said).toContain(why)
  })

  it('says all that is wrong at once', async () => {
    const said = await refusal(createPod(asTenant, 'isolated', { runtimeClassName: 'runc', hostPID: true }))
    expect(said).toMatch(/^IsolationPolicy "agents": spec.runtimeClassName runc .*; spec.hostNetwork/)
  })

  it('lets a token for another audience in', async () => {
    expect(await refusal(createPod(asTenant, 'isolated', projected('vault')))).toBeUndefined()
  })

  it('judges the Pods of Sandboxes, and these say why they have none', async () => {
    const create = (name: string, spec: object) =>
      client.create(sandboxes, {
        metadata: { namespace: 'isolated', name },
        spec: { podTemplate: { spec: { containers: [container], ...spec } } },
      })
    await create('good-sandbox', {})
    await create('bad-sandbox', { hostPID: true })
    const name = (of: string) => ({ namespace: 'isolated', name: of })
    const ready = async (of: string) =>
      findCondition((await client.get(sandboxes, name(of))).status?.conditions, 'Ready')?.message
    await expect.poll(() => ready('bad-sandbox')).toContain('IsolationPolicy "agents": spec.hostNetwork')
    await expect.poll(() => ready('good-sandbox')).toContain('Pod exists')
    expect((await client.get(pods, name('good-sandbox'))).spec?.runtimeClassName).toBe('gvisor')
  })

  it('exempts nobody: not an administrator, not a controller, not the kubelet', async () => {
    const users = ['system:serviceaccount:kube-system:replicaset-controller', 'system:kube-scheduler']
    expect(await refusal(createPod(client, 'isolated', { hostPID: true }))).toBeDefined()
    for (const user of users) {
      await permit(client, user, `pods-of-${users.indexOf(user)}`, [
        { apiGroups: [''], resources: ['pods'], verbs: ['create'] },
      ])
      await using opened = await openAsUser(plane, user)
      expect(await refusal(createPod(opened.client, 'isolated', { hostPID: true }))).toBeDefined()
    }
  })

  it('judges the mirrors of static Pods, and never makes them look better than they are', async () => {
    const mirror = { name: 'static', annotations: { 'kubernetes.io/config.mirror': 'hash' } }
    const { automountServiceAccountToken: _, ...spec } = { ...compliant, nodeName: 'node', enableServiceLinks: true }
    const bare = { metadata: { ...mirror, namespace: 'isolated' }, spec: { ...spec, runtimeClassName: undefined } }
    // Mirrors have no service account, and so no token.
    expect(await refusal(client.create(pods, bare as never))).toContain('spec.runtimeClassName is not set')
    const whole = { metadata: { ...mirror, namespace: 'isolated' }, spec }
    expect(await refusal(client.create(pods, whole as never))).toBeUndefined()
  })

  describe('fills in what a Pod leaves open', () => {
    const open = { runtimeClassName: undefined, automountServiceAccountToken: undefined, securityContext: undefined }

    it('and takes the token out that it would get unasked', async () => {
      const containers = [
        container,
        { ...container, name: 'second', volumeMounts: [{ name: 'own', mountPath: '/own' }] },
      ]
      const volumes = [{ name: 'own', emptyDir: {} }]
      const pod = await createPod(asTenant, 'isolated', { ...open, containers, volumes })
      expect(pod.spec).toMatchObject({
        runtimeClassName: 'gvisor',
        overhead: gvisorOverhead,
        automountServiceAccountToken: false,
        securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
        volumes: [{ name: 'own' }],
      })
      const mounts = pod.spec?.containers.map(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name))
      expect(mounts).toEqual([[], ['own']])
    })

    it('but overrules nobody', async () => {
      const pod = await createPod(asTenant, 'isolated', { ...open, runtimeClassName: 'kata' })
      expect(pod.spec?.runtimeClassName).toBe('kata')
    })

    it('and nothing outside', async () => {
      const pod = await createPod(client, 'free', { ...open, hostPID: true })
      expect(pod.spec?.runtimeClassName).toBeUndefined()
      expect(pod.spec?.volumes).toHaveLength(1)
    })
  })

  describe('of a trust level', () => {
    beforeAll(() => createNamespace(client, 'untrusted', { ...isolated, [trustLabel]: 'untrusted' }))

    const labelled = (level: string) => ({ labels: { [trustLabel]: level } })
    it.each<[what: string, namespace: string, metadata: ObjectMeta, given: string]>([
      ['its namespace’s', 'untrusted', {}, 'kata'],
      ['its own', 'isolated', labelled('untrusted'), 'kata'],
      ['its own, when it asks for less', 'untrusted', labelled('reviewed'), 'kata'],
      ['none', 'isolated', {}, 'gvisor'],
    ])('a Pod gets the RuntimeClass of %s', async (_, namespace, metadata, given) => {
      const pod = await createPod(client, namespace, { runtimeClassName: undefined }, metadata)
      expect(pod.spec?.runtimeClassName).toBe(given)
    })

    it.each<[what: string, namespace: string, metadata: ObjectMeta, why: string]>([
      ['asks for less than its namespace', 'untrusted', labelled('reviewed'), 'hardware is required: set it to kata'],
      ['asks for more than it takes', 'isolated', labelled('untrusted'), 'hardware is required: set it to kata'],
      [
        'has a level nobody knows',
        'isolated',
        labelled('total'),
        'label bulkhead.dev/trust of the Pod is "total": use one of untrusted, reviewed',
      ],
    ])('a Pod is refused that %s', async (_, namespace, metadata, why) => {
      expect(await refusal(createPod(client, namespace, {}, metadata))).toContain(why)
    })
  })

  const ephemeral = (some: object) => ({
    type: 'strategic' as const,
    body: { spec: { ephemeralContainers: [{ name: 'debugger', image, ...some }] } },
  })
  const subresource = 'ephemeralcontainers'

  it('judges ephemeral containers', async () => {
    const { metadata } = await createPod(client, 'isolated', {})
    const add = (some: object) => refusal(client.patch(pods, metadata, ephemeral(some), { subresource }))
    expect(await add({ securityContext: { privileged: true } })).toContain('containers (debugger) are privileged')
    expect(await add({ securityContext: unconfined })).toContain('containers (debugger) have no seccomp profile')
    expect(await add({})).toBeUndefined()
  })

  it('leaves Pods alone that were there before, but lets nothing more into them', async () => {
    await createNamespace(client, 'late')
    const { metadata } = await createPod(client, 'late', { hostPID: true }, { finalizers: ['example.test/held'] })
    await client.patch(namespaces, { name: 'late' }, mergePatch({ metadata: { labels: isolated } }))
    await enforced('late')
    const change = (body: object) => refusal(client.patch(pods, metadata, mergePatch(body)))
    const spec = { containers: [{ name: 'main', image: 'example.test/other' }] }
    expect(await refusal(client.patch(pods, metadata, { type: 'strategic', body: { spec } }))).toBeDefined()
    expect(await refusal(client.patch(pods, metadata, ephemeral({}), { subresource }))).toBeDefined()
    expect(await change({ metadata: { labels: { a: 'b' } } })).toBeUndefined()
    expect(await change({ metadata: { finalizers: null } })).toBeUndefined()
    await client.delete(pods, metadata, { gracePeriodSeconds: 0 })
  })

  describe('for Pods with a label', () => {
    beforeAll(async () => {
      await createNamespace(client, 'mixed', { mixed: 'yes' })
      await permitToEdit(client, tenant, 'mixed')
      await permit(client, tenant, 'pod-status', [{ apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] }])
      await createPolicy(client, 'labelled', {
        namespaceSelector: { matchLabels: { mixed: 'yes' } },
        podSelector: { matchLabels: { agent: 'yes' } },
      })
      await enforced('mixed', { hostPID: true }, { labels: { agent: 'yes' } })
    })
    const agent = { labels: { agent: 'yes' } }
    const relabel = (metadata: ObjectMeta & { name: string }, labels: object, rest = {}) =>
      refusal(asTenant.patch(pods, metadata, mergePatch({ metadata: { labels } }), rest))

    it('leaves the others alone', async () => {
      expect(await refusal(createPod(client, 'mixed', { hostPID: true }))).toBeUndefined()
    })

    it('lets none leave, by whatever way', async () => {
      const { metadata } = await createPod(client, 'mixed', {}, agent)
      expect(await relabel(metadata, { agent: null })).toContain('would no longer be selected')
      expect(await relabel(metadata, { agent: 'no' }, { subresource: 'status' })).toContain('leave agent as they are')
      expect(await relabel(metadata, { other: 'label' })).toBeUndefined()
    })

    it('lets none come that does not comply', async () => {
      const bad = await createPod(client, 'mixed', { hostPID: true })
      expect(await relabel(bad.metadata, agent.labels)).toContain('hostPID')
      const good = await createPod(client, 'mixed', {})
      expect(await relabel(good.metadata, agent.labels)).toBeUndefined()
    })
  })

  describe('keeps namespaces', () => {
    const relabel = (as: ApiClient, labels: object, subresource?: string) =>
      refusal(
        as.patch(namespaces, { name: 'isolated' }, mergePatch({ metadata: { labels } }), {
          ...(subresource && { subresource }),
        })
      )

    it.each([
      ['taking the label off', { isolation: null }, undefined],
      ['changing it', { isolation: 'off' }, undefined],
      ['taking it off by the way of the status', { isolation: null }, 'status'],
    ] as const)('from %s', async (_, labels, way) => {
      expect(await relabel(asTenant, labels, way)).toContain('the namespace would not be selected by it (isolation)')
    })

    it('from taking it off by the way of finalizers', async () => {
      const found = await asTenant.get(namespaces, { name: 'isolated' })
      const without = { ...found, metadata: { ...found.metadata, labels: {} } }
      expect(await refusal(asTenant.replace(namespaces, without, { subresource: 'finalize' }))).toContain('selected')
    })

    it('from saying how much they are trusted', async () => {
      expect(await relabel(asTenant, { [trustLabel]: 'reviewed' })).toContain('decides how the namespace is isolated')
    })

    it('but not from other labels', async () => {
      expect(await relabel(asTenant, { team: 'a' })).toBeUndefined()
    })

    it('unless who asks may exempt this policy', async () => {
      await createNamespace(client, 'leaving', isolated)
      const user = 'may-exempt'
      const rules = (policy: string) => [
        { apiGroups: [''], resources: ['namespaces'], verbs: ['patch'] },
        { apiGroups: ['bulkhead.dev'], resources: ['isolationpolicies'], resourceNames: [policy], verbs: ['exempt'] },
      ]
      await permit(client, user, 'exempt-another', rules('another'))
      await using opened = await openAsUser(plane, user)
      const leave = () =>
        refusal(
          opened.client.patch(
            namespaces,
            { name: 'leaving' },
            mergePatch({ metadata: { labels: { isolation: null } } })
          )
        )
      expect(await leave()).toContain('may "exempt" isolationpolicies.bulkhead.dev "agents"')
      await permit(client, user, 'exempt-this', rules('agents'))
      await expect.poll(leave).toBeUndefined()
    })
  })

  it('of two policies, both hold', async () => {
    await createNamespace(client, 'strict', { ...isolated, strict: 'yes' })
    await createPolicy(client, 'strict', {
      namespaceSelector: { matchLabels: { strict: 'yes' } },
      minimumClass: 'hardware',
      podSecurity: { allow: ['HostNamespaces'] },
    })
    await enforced('strict', { runtimeClassName: 'gvisor' })
    const kata = { runtimeClassName: 'kata' }
    expect(await refusal(createPod(client, 'strict', {}))).toContain('hardware is required: set it to kata')
    expect(await refusal(createPod(client, 'strict', { ...kata, hostPID: true }))).toContain('"agents"')
    expect(await refusal(createPod(client, 'strict', kata))).toBeUndefined()
  })

  it('for all namespaces spares those that keep the cluster running, and none that opts out by its first labels', async () => {
    const optsOut = { exempt: 'yes' }
    await createPolicy(client, 'all', {
      namespaceSelector: { matchExpressions: [{ key: 'exempt', operator: 'NotIn', values: ['yes'] }] },
    })
    await enforced('free')
    // The second is where the operator runs, as its kubeconfig says.
    for (const namespace of ['kube-system', 'default']) {
      await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
      expect(await refusal(createPod(client, namespace, { hostPID: true }, {}, true))).toBeUndefined()
    }
    const creator = 'creates-namespaces'
    await permit(client, creator, creator, [{ apiGroups: [''], resources: ['namespaces'], verbs: ['create'] }])
    await using opened = await openAsUser(plane, creator)
    const create = (name: string, labels: ObjectMeta['labels'] = {}) =>
      refusal(opened.client.create(namespaces, { metadata: { name, labels } }))
    expect(await create('opted-out', optsOut)).toContain('would not be selected by it (exempt)')
    expect(await create('not-opted-out')).toBeUndefined()

    await client.delete(isolationPolicies, { name: 'all' })
    await expect.poll(() => refusal(createPod(client, 'free', { hostPID: true }, {}, true))).toBeUndefined()
  })

  it('that is only tried refuses nothing and changes nothing', async () => {
    await createNamespace(client, 'trial', { trial: 'yes', exempt: 'yes' })
    await createPolicy(client, 'trial', {
      namespaceSelector: { matchLabels: { trial: 'yes' } },
      defaultRuntimeClassName: 'gvisor',
      violation: 'Warn',
    })
    await expect.poll(() => readyOf(client, 'trial')).toMatchObject({ status: 'True' })
    const pod = await createPod(client, 'trial', { runtimeClassName: undefined, hostPID: true })
    expect(pod.spec?.runtimeClassName).toBeUndefined()
  })

  describe.skipIf(lacksControllerManager())('with Kubernetes’ own controllers', () => {
    beforeAll(async () => {
      undo.use(
        await startControllers(plane, [
          'deployment-controller',
          'replicaset-controller',
          'job-controller',
          'daemonset-controller',
          'validatingadmissionpolicy-status-controller',
        ])
      )
      await client.create(nodes, { metadata: { name: 'node' } })
      // The taint of a node that nobody has reported ready yet.
      await client.patch(nodes, { name: 'node' }, mergePatch({ spec: { taints: null } }))
    })

    const kinds = {
      Deployment: [workload('Deployment', 'deployments'), { replicas: 1 }, 'Always'],
      Job: [workload('Job', 'jobs', 'batch'), {}, 'Never'],
      DaemonSet: [workload('DaemonSet', 'daemonsets'), {}, 'Always'],
    } as const

    it.each(Object.entries(kinds))('judges the Pods of a %s', async (kind, [type, more, restartPolicy]) => {
      const create = (name: string, spec: object) => {
        const selector = kind === 'Job' ? {} : { selector: { matchLabels: { app: name } } }
        const template = { metadata: { labels: { app: name } }, spec: { ...spec, restartPolicy } }
        return client.create(type, {
          metadata: { namespace: 'isolated', name },
          spec: { ...more, ...selector, template },
        } as KubernetesObject)
      }
      const bad = `bad-${kind.toLowerCase()}`
      const good = `good-${kind.toLowerCase()}`
      await create(bad, { containers: [container], hostPID: true })
      await create(good, { containers: [container] })
      const notes = async () =>
        (await client.list(events, { namespace: 'isolated' })).items
          .filter(({ regarding }) => regarding?.name?.startsWith(bad))
          .map(({ note }) => note)
      await expect
        .poll(notes)
        .toContainEqual(
          expect.stringContaining('IsolationPolicy "agents": spec.hostNetwork, hostPID and hostIPC share')
        )
      const podsOf = async (app: string) =>
        (await client.list(pods, { namespace: 'isolated', labelSelector: `app=${app}` })).items
      await expect.poll(() => podsOf(good)).toMatchObject([{ spec: { runtimeClassName: 'gvisor' } }])
      expect(await podsOf(bad)).toEqual([])
    })

    it('finds nothing wrong with the types of what policies are compiled to', async () => {
      const checked = async () =>
        (await client.list(validatingPolicies)).items.map(({ metadata: { generation }, status }) => ({
          checked: status?.observedGeneration === generation && status?.typeChecking !== undefined,
          warnings: status?.typeChecking?.expressionWarnings ?? [],
        }))
      await expect.poll(async () => (await checked()).filter((one) => !one.checked)).toEqual([])
      expect((await checked()).flatMap(({ warnings }) => warnings)).toEqual([])
    })
  })
})
