import { setTimeout as sleep } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type IsolationPolicy, type IsolationPolicySpec, isolationPolicies } from '../src/api/index.ts'
import {
  type ApiClient,
  configMaps,
  EventRecorder,
  events,
  Informer,
  isNotFound,
  type JsonPatchOperation,
  jsonPatch,
  KitMetrics,
  mergePatch,
  type ResourceType,
  type Stored,
  silentLogger,
  systemClock,
} from '../src/controller/index.ts'
import {
  type AdmissionObject,
  mutatingBindings,
  mutatingPolicies,
  validatingBindings,
  validatingPolicies,
} from '../src/isolation/admission-resources.ts'
import { admissionSupport } from '../src/isolation/admission-support.ts'
import { celMap, celString } from '../src/isolation/cel.ts'
import { runIsolation } from '../src/isolation/index.ts'
import { operatorPermissions } from '../src/manifests/permissions.ts'
import { openAsUser, permit } from './support/as-user.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { lacksControllerManager, startGarbageCollector } from './support/controller-manager.ts'
import { installKinds } from './support/install-kinds.ts'
import {
  createNamespace,
  createPod,
  createPolicy,
  createRuntimeClasses,
  readyOf,
  refusal,
} from './support/isolation-world.ts'

const operator = 'operator'
const name = 'agents'
const namespace = 'isolated'
const spec: Pick<IsolationPolicySpec, 'namespaceSelector' | 'defaultRuntimeClassName'> = {
  namespaceSelector: { matchLabels: { isolation: 'on' } },
  defaultRuntimeClassName: 'gvisor',
}

const loose = (type: ResourceType) => type as ResourceType<AdmissionObject>
const types = {
  ValidatingAdmissionPolicy: loose(validatingPolicies),
  ValidatingAdmissionPolicyBinding: loose(validatingBindings),
  MutatingAdmissionPolicy: loose(mutatingPolicies('v1')),
  MutatingAdmissionPolicyBinding: loose(mutatingBindings('v1')),
} as const
type Kind = keyof typeof types

describe.skipIf(skipped())('what enforces an IsolationPolicy', () => {
  let plane: ControlPlane
  let client: ApiClient
  let asOperator: ApiClient
  const undo = new AsyncDisposableStack()

  /** With nothing but the operator's own permissions, as installed. */
  function startIsolation(client = asOperator) {
    const stop = new AbortController()
    const repairs: string[] = []
    const common = { client, clock: systemClock, log: silentLogger }
    const recorder = new EventRecorder({ ...common, reportingController: 'isolation', reportingInstance: 'test' })
    const informerMetrics = (of: string) => new KitMetrics(new Registry()).informer(of)
    const policies = new Informer<IsolationPolicy>({ ...common, type: isolationPolicies })
    policies.start()
    const running = runIsolation(
      {
        ...common,
        policies,
        recorder,
        metrics: { repaired: (...labels) => void repairs.push(labels.join(' ')) },
        informerMetrics,
        operatorNamespace: 'agent-sandbox-system',
        controller: { name: 'isolationpolicy', clock: systemClock, graceMs: 0 },
      },
      stop.signal
    )
    return {
      /** `agents ValidatingAdmissionPolicy deleted`. */
      repairs,
      async [Symbol.asyncDispose]() {
        stop.abort(new Error('the test has ended'))
        await running
        await policies[Symbol.asyncDispose]()
        await recorder[Symbol.asyncDispose]()
      },
    }
  }

  beforeAll(async () => {
    plane = undo.use(await openControlPlane({ plugins: ['OwnerReferencesPermissionEnforcement'] }))
    client = undo.use(await plane.client()).client
    asOperator = undo.use(await openAsUser(plane, operator, { fieldManager: 'operator' })).client
    await installKinds(client)
    await createRuntimeClasses(client)
    await createNamespace(client, namespace, { isolation: 'on' })
    await permit(client, operator, operator, operatorPermissions)
  })
  afterAll(() => undo.disposeAsync())

  const read = (kind: Kind, of: string): Promise<Stored<AdmissionObject>> => client.get(types[kind], { name: of })
  const judges = () => refusal(createPod(client, namespace, { hostPID: true }, {}, true))

  const podPolicy = ['ValidatingAdmissionPolicy', `bulkhead-isolation-pods-${name}`] as const
  const podBinding = ['ValidatingAdmissionPolicyBinding', `bulkhead-isolation-pods-${name}`] as const
  const guard = ['ValidatingAdmissionPolicy', `bulkhead-isolation-namespaces-${name}`] as const
  const guardBinding = ['ValidatingAdmissionPolicyBinding', `bulkhead-isolation-namespaces-${name}`] as const
  const defaults = ['MutatingAdmissionPolicy', `bulkhead-isolation-defaults-${name}`] as const
  const defaultsBinding = ['MutatingAdmissionPolicyBinding', `bulkhead-isolation-defaults-${name}`] as const
  const all: readonly (readonly [Kind, string])[] = [
    podPolicy,
    podBinding,
    guard,
    guardBinding,
    defaults,
    defaultsBinding,
  ]

  const set = (path: string, value: unknown): JsonPatchOperation => ({ op: 'add', path, value })
  const never = [{ name: 'never', expression: 'false' }]
  const weakenings: [what: string, kind: Kind, object: string, change: JsonPatchOperation][] = [
    ['to let Pods in when it fails', ...podPolicy, set('/spec/failurePolicy', 'Ignore')],
    ['to match nothing', ...podPolicy, set('/spec/matchConditions', never)],
    ['to judge less', ...podPolicy, set('/spec/validations', [{ expression: 'true' }])],
    ['to judge nobody', ...podPolicy, set('/spec/variables/0/expression', 'false')],
    ['to select nothing', ...podPolicy, set('/spec/matchConstraints/objectSelector', { matchLabels: { a: 'b' } })],
    [
      'to exclude Pods',
      ...podPolicy,
      set('/spec/matchConstraints/excludeResourceRules', [
        { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['pods'] },
      ]),
    ],
    ['to need a parameter', ...podPolicy, set('/spec/paramKind', { apiVersion: 'v1', kind: 'ConfigMap' })],
    ['to have no owner', ...podPolicy, { op: 'remove', path: '/metadata/ownerReferences' }],
    ['to warn only', ...podBinding, set('/spec/validationActions', ['Warn'])],
    [
      'to be bound elsewhere',
      ...podBinding,
      set('/spec/matchResources', { namespaceSelector: { matchLabels: { a: 'b' } } }),
    ],
    ['to let namespaces leave', ...guard, set('/spec/matchConditions', never)],
    ['to let namespaces leave, noted', ...guardBinding, set('/spec/validationActions', ['Audit'])],
    ['to fill nothing in', ...defaults, set('/spec/matchConditions', never)],
    [
      'to fill nothing in here',
      ...defaultsBinding,
      set('/spec/matchResources', { objectSelector: { matchLabels: { a: 'b' } } }),
    ],
  ]

  describe('with the operator running', () => {
    let isolation: ReturnType<typeof startIsolation>
    beforeAll(async () => {
      // Somebody else was there first: it gives way.
      await client.create(types.ValidatingAdmissionPolicyBinding, {
        metadata: { name: podBinding[1] },
        spec: { policyName: 'another', validationActions: ['Audit'] },
      })
      isolation = startIsolation()
      await createPolicy(client, name, spec)
      const enforced = async () => {
        expect(await readyOf(client, name)).toMatchObject({ status: 'True', reason: 'Enforced' })
        expect(await judges()).toBeDefined()
      }
      await vi.waitFor(enforced, { timeout: 20_000 })
    })
    afterAll(() => isolation[Symbol.asyncDispose]())

    it('is there with the policy as its owner, and nothing was to be repaired', async () => {
      const policy = await client.get(isolationPolicies, { name })
      for (const [kind, of] of all)
        expect((await read(kind, of)).metadata.ownerReferences).toMatchObject([
          { kind: 'IsolationPolicy', name, uid: policy.metadata.uid, controller: true },
        ])
      expect(isolation.repairs).toEqual([])
    })

    const reported = async (kind: Kind, of: string, cause: string) => {
      const notes = (await client.list(events, { namespace: 'default' })).items
        .filter(({ regarding, reason }) => regarding?.name === name && reason === 'EnforcementRepaired')
        .map(({ note }) => note)
      return notes.some((note) => note?.startsWith(`${kind} "${of}" was ${cause} by somebody else`))
    }

    it.each(weakenings)('is put right and reported when it was changed %s: %s', async (_, kind, of, change) => {
      const before = await read(kind, of)
      const known = isolation.repairs.length
      await client.patch(types[kind], { name: of }, jsonPatch(change))
      await expect
        .poll(async () => {
          const { spec, metadata } = await read(kind, of)
          return { spec, owners: metadata.ownerReferences }
        })
        .toEqual({ spec: before.spec, owners: before.metadata.ownerReferences })
      await expect.poll(() => isolation.repairs.slice(known)).toEqual([`${name} ${kind} changed`])
      await expect.poll(() => reported(kind, of, 'changed')).toBe(true)
    })

    it.each(all)('is made again and reported when it was deleted: %s', async (kind, of) => {
      const before = await read(kind, of)
      const known = isolation.repairs.length
      await client.delete(types[kind], { name: of })
      const again = () =>
        read(kind, of).then(
          ({ spec, metadata: { uid } }) => ({ spec, isAnother: uid !== before.metadata.uid }),
          (error) => {
            if (!isNotFound(error)) throw error
          }
        )
      await expect.poll(again).toEqual({ spec: before.spec, isAnother: true })
      await expect.poll(() => isolation.repairs.slice(known)).toEqual([`${name} ${kind} deleted`])
      await expect.poll(() => reported(kind, of, 'deleted')).toBe(true)
    })

    it('is not weakened by a second binding', async () => {
      await client.create(types.ValidatingAdmissionPolicyBinding, {
        metadata: { name: 'shadow' },
        spec: { policyName: podPolicy[1], validationActions: ['Audit'] },
      })
      await expect.poll(judges).toBeDefined()
      // What another binding does takes a moment: the Pod is refused all the while.
      for (let times = 0; times < 10; times++, await sleep(50)) expect(await judges()).toBeDefined()
      await client.delete(types.ValidatingAdmissionPolicyBinding, { name: 'shadow' })
    })

    it('comes to rest: nothing is written while nothing happens', async () => {
      const versions = () => Promise.all(all.map(async (one) => (await read(one[0], one[1])).metadata.resourceVersion))
      const before = await versions()
      await client.patch(isolationPolicies, { name }, mergePatch({ metadata: { labels: { seen: 'yes' } } }))
      await createPolicy(client, 'later', { namespaceSelector: { matchLabels: { a: 'b' } } })
      await expect.poll(() => readyOf(client, 'later')).toMatchObject({ status: 'True' })
      expect(await versions()).toEqual(before)
    })

    it('follows the policy, and that is no repair', async () => {
      const known = isolation.repairs.length
      await client.patch(isolationPolicies, { name }, mergePatch({ spec: { violation: 'Warn' } }))
      await expect
        .poll(async () => (await read(...podBinding)).spec)
        .toMatchObject({ validationActions: ['Warn', 'Audit'] })
      await expect.poll(() => read(...defaults).catch(isNotFound)).toBe(true)
      await client.patch(isolationPolicies, { name }, mergePatch({ spec: { violation: 'Deny' } }))
      await expect
        .poll(async () => (await read(...podBinding)).spec)
        .toMatchObject({ validationActions: ['Deny', 'Audit'] })
      await expect.poll(() => read(...defaultsBinding).then(Boolean, () => false)).toBe(true)
      const { generation } = (await client.get(isolationPolicies, { name })).metadata
      await expect.poll(() => readyOf(client, name)).toMatchObject({ status: 'True', observedGeneration: generation })
      expect(isolation.repairs.slice(known)).toEqual([])
    })

    it('of a policy that the API server does not take, is what it was, and the policy says why', async () => {
      const hostile = { matchLabels: { isolation: 'on" || true || "' } }
      const before = await read(...podPolicy)
      await client.patch(isolationPolicies, { name }, mergePatch({ spec: { namespaceSelector: hostile } }))
      await expect.poll(() => readyOf(client, name)).toMatchObject({ status: 'False', reason: 'RefusedByApiServer' })
      expect((await read(...podPolicy)).spec).toEqual(before.spec)
      expect(await judges()).toBeDefined()
      await client.patch(isolationPolicies, { name }, mergePatch({ spec }))
      await expect.poll(() => readyOf(client, name)).toMatchObject({ status: 'True' })
    })
  })

  it('is put right by an operator that was not there when it was touched', async () => {
    await client.delete(types[podBinding[0]], { name: podBinding[1] })
    await client.patch(types[guard[0]], { name: guard[1] }, jsonPatch(set('/spec/failurePolicy', 'Ignore')))
    await using isolation = startIsolation()
    await expect
      .poll(() => isolation.repairs.toSorted())
      .toEqual([`${name} ${podBinding[0]} deleted`, `${name} ${guard[0]} changed`].sort())
    expect((await read(...guard)).spec).toMatchObject({ failurePolicy: 'Fail' })
    await expect.poll(judges).toBeDefined()
  })

  it('that the operator may not write is said to be so', async () => {
    const user = 'without-admission'
    const rules = operatorPermissions.filter(({ apiGroups }) => !apiGroups.includes('admissionregistration.k8s.io'))
    await permit(client, user, user, [
      ...rules,
      {
        apiGroups: ['admissionregistration.k8s.io'],
        resources: Object.values(types).map(({ plural }) => plural),
        verbs: ['list', 'watch'],
      },
    ])
    await using opened = await openAsUser(plane, user, { fieldManager: 'operator' })
    await using _isolation = startIsolation(opened.client)
    await createPolicy(client, 'forbidden', { namespaceSelector: { matchLabels: { a: 'b' } } })
    await expect
      .poll(() => readyOf(client, 'forbidden'))
      .toMatchObject({
        status: 'False',
        reason: 'RefusedByApiServer',
        message: expect.stringContaining('cannot create resource'),
      })
    await client.delete(isolationPolicies, { name: 'forbidden' })
  })

  const gone = async () => {
    const found = await Promise.all(all.map((one) => read(one[0], one[1]).then(Boolean, () => false)))
    return found.every((is) => !is)
  }

  it('goes with the policy', async () => {
    await using _isolation = startIsolation()
    await client.delete(isolationPolicies, { name })
    await expect.poll(gone).toBe(true)
    await expect.poll(judges).toBeUndefined()
  })

  it.skipIf(lacksControllerManager())('goes with the policy, also without an operator', async () => {
    {
      await using _isolation = startIsolation()
      await createPolicy(client, name, spec)
      await expect.poll(() => readyOf(client, name)).toMatchObject({ status: 'True' })
    }
    await using _collector = await startGarbageCollector(plane)
    await client.delete(isolationPolicies, { name })
    await expect.poll(gone, { timeout: 60_000 }).toBe(true)
  })

  it('is served by this API server', async () => {
    expect(await admissionSupport(client, AbortSignal.timeout(20_000))).toEqual({ validating: true, mutating: 'v1' })
  })

  it('has every text in expressions stand for itself', async () => {
    const texts = [
      '" || true || "',
      "'",
      '\\',
      '\\"',
      '"""',
      '\n\r\t\0',
      '$' + '{x}',
      '{{',
      'é ’ 漢 😀',
      '\u2028\u202e',
      '\\u0022',
      '',
    ]
    const data = Object.fromEntries(texts.map((text, index) => [`k${index}`, text]))
    const expression = `object.data == ${celMap(Object.entries(data).map(([key, text]) => [key, celString(text)]))}`
    await client.create(types.ValidatingAdmissionPolicy, {
      metadata: { name: 'literals' },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
        },
        validations: [{ expression, message: 'not the same' }],
      },
    } as AdmissionObject)
    await client.create(types.ValidatingAdmissionPolicyBinding, {
      metadata: { name: 'literals' },
      spec: { policyName: 'literals', validationActions: ['Deny'] },
    } as AdmissionObject)
    const create = (changed: object) =>
      client
        .create(
          configMaps,
          { metadata: { namespace: 'default', name: 'texts' }, data: { ...data, ...changed } },
          { dryRun: true }
        )
        .then(
          () => 'taken',
          (error: Error) => (/not the same/.test(error.message) ? 'refused' : error.message)
        )
    await expect.poll(() => create({ more: '' })).toBe('refused')
    expect(await create({})).toBe('taken')
    for (const [key, text] of Object.entries(data)) expect(await create({ [key]: `${text}x` })).toBe('refused')
  })
})
