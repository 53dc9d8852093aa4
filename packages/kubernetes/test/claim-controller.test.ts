import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  annotation,
  label,
  nameHash,
  sandboxClaims,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../src/api/index.ts'
import {
  type ApiClient,
  controllerOf,
  controllerReference,
  isNotFound,
  mergePatch,
  networkPolicies,
  pods,
  type ResourceType,
  systemClock,
  wholeSeconds,
} from '../src/controller/index.ts'
import { type ClaimOperator, type ClaimOperatorOptions, startClaimOperator } from './support/claim-operator.ts'
import { type ClaimWorld, openClaimWorld } from './support/claim-world.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { installLooseKinds } from './support/loose-kinds.ts'

const ready = 'DependenciesReady'
const secondsFromNow = (seconds: number) => wholeSeconds(Date.now() + seconds * 1000)

describe.skipIf(skipped())('claims', () => {
  let plane: ControlPlane
  let client: ApiClient
  const undo = new AsyncDisposableStack()
  let ofTest = new AsyncDisposableStack()

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    client = undo.use(await plane.client()).client
    await installLooseKinds(client)
  })
  afterAll(() => undo.disposeAsync())
  afterEach(async () => {
    await ofTest.disposeAsync()
    ofTest = new AsyncDisposableStack()
  })

  const start = async (world: ClaimWorld, options: Partial<ClaimOperatorOptions> = {}): Promise<ClaimOperator> =>
    ofTest.use(await startClaimOperator({ client, namespace: world.namespace, ...options }))

  /** A template, a pool, and a process. */
  async function setUp(options: Partial<ClaimOperatorOptions> = {}) {
    const world = await openClaimWorld(client)
    await world.template()
    const pool = await world.pool()
    return { world, pool, operator: await start(world, options) }
  }

  describe('from a pool', () => {
    it('get a Ready member with three writes and one event, and no reads', async () => {
      const { world, pool, operator } = await setUp()
      await world.member(pool, 'm')
      await operator.idle()
      await world.claim('c', {}, { labels: { [label.createdBy]: 'go-client' } })
      const claim = await world.untilReason('c', ready)
      await operator.idle()
      expect(operator.calls).toEqual([
        'patch sandboxclaims c',
        'patch sandboxes m',
        'patch sandboxclaims/status c',
        'create events',
      ])
      expect(operator.counted).toEqual(['got c ready', 'ready c'])
      const nanoseconds = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
      expect(claim.metadata.annotations).toEqual({
        [annotation.sandboxName]: 'm',
        [annotation.controllerFirstObservedAt]: nanoseconds,
        [annotation.claimFirstReadyAt]: nanoseconds,
      })
      const sandbox = await world.readSandbox('m')
      expect(sandbox.metadata.labels).toEqual({
        [label.launchType]: 'warm',
        [label.claimUid]: claim.metadata.uid,
        [label.createdBy]: 'go-client',
        [label.sandboxTemplateRefHash]: nameHash('template'),
      })
      expect(sandbox.metadata.annotations).toEqual({
        [annotation.podName]: 'm',
        [annotation.sandboxTemplateRef]: 'template',
      })
      expect(sandbox.metadata.ownerReferences).toEqual([controllerReference(sandboxClaims, claim)])
      expect(sandbox.spec.podTemplate.metadata).toEqual({
        labels: {
          team: 'a',
          [label.claimUid]: claim.metadata.uid,
          [label.createdBy]: 'go-client',
          [label.sandboxTemplateRefHash]: nameHash('template'),
        },
        annotations: { note: 'b' },
      })
      const forwarded = sandbox.status?.conditions?.[0]
      expect(claim.status).toEqual({ conditions: [forwarded], sandbox: { name: 'm', podIPs: ['10.0.0.1'] } })
      expect(await world.events()).toMatchObject([
        {
          reason: 'SandboxAdopted',
          note: 'Adopted warm pool Sandbox "m"',
          type: 'Normal',
          reportingController: 'sandboxclaim-controller',
          regarding: { kind: 'SandboxClaim', name: 'c' },
        },
      ])
    })

    it('in a burst get one each, still with three writes a claim', async () => {
      const { world, pool, operator } = await setUp()
      const names = Array.from({ length: 40 }, (_, n) => `${n}`)
      await Promise.all(names.map((name) => world.member(pool, `m-${name}`)))
      await operator.idle()
      await Promise.all(names.map((name) => world.claim(`c-${name}`)))
      await Promise.all(names.map((name) => world.untilReason(`c-${name}`, ready)))
      await operator.idle()
      const claims = await world.claims()
      expect(new Set(claims.map(({ status }) => status?.sandbox?.name)).size).toBe(40)
      expect(operator.calls.filter((call) => !call.endsWith('events'))).toHaveLength(120)
    })

    it('say later that they are Ready when their member is only starting', async () => {
      const { world, pool, operator } = await setUp()
      await world.member(pool, 'm', 'starting')
      await operator.idle()
      await world.claim('c')
      const before = await world.untilReason('c', 'DependenciesNotReady')
      expect(before.status?.sandbox?.name).toBe('m')
      expect(before.metadata.annotations).not.toHaveProperty([annotation.claimFirstReadyAt])
      await world.setState('m', 'ready')
      await world.untilReason('c', ready)
      await operator.idle()
      expect(operator.calls.filter((call) => !call.endsWith('events'))).toEqual([
        'patch sandboxclaims c',
        'patch sandboxes m',
        'patch sandboxclaims/status c',
        'patch sandboxclaims/status c',
        'patch sandboxclaims c',
      ])
      expect((await world.readClaim('c')).metadata.annotations).toHaveProperty([annotation.claimFirstReadyAt])
      expect(operator.counted).toEqual(['got c not ready', 'ready c'])
    })

    it('write no stamps and no events when they are not wanted', async () => {
      const { world, pool, operator } = await setUp({
        settings: { disableClaimEvents: true, disableClaimObservabilityAnnotations: true },
      })
      await world.member(pool, 'm')
      await operator.idle()
      await world.claim('c')
      const claim = await world.untilReason('c', ready)
      await operator.idle()
      expect(claim.metadata.annotations).toEqual({ [annotation.sandboxName]: 'm' })
      expect(operator.calls).toHaveLength(3)
      expect(operator.counted).toEqual(['got c ready', 'ready c'])
    })

    it('wait, silently, for a member without an address, and the one that came first gets the first', async () => {
      const { world, pool, operator } = await setUp()
      for (const name of ['m-1', 'm-2']) await world.member(pool, name, 'pending')
      await operator.idle()
      await world.claim('z-first')
      await operator.idle()
      await world.claim('a-second')
      await operator.idle()
      expect(operator.calls).toEqual([])
      await world.setState('m-2', 'ready')
      const claim = await world.untilReason('z-first', ready)
      expect(claim.status?.sandbox?.name).toBe('m-2')
      await world.setState('m-1', 'ready')
      expect((await world.untilReason('a-second', ready)).status?.sandbox?.name).toBe('m-1')
    })

    it('start from nothing when no member gets an address', async () => {
      const { world, pool } = await setUp()
      await world.member(pool, 'm', 'pending')
      const since = performance.now()
      await world.claim('c')
      expect((await world.untilReason('c', 'SandboxNotReady')).status?.sandbox?.name).toBe('c')
      expect(performance.now() - since).toBeGreaterThan(1_900)
    })

    it('do not get what is dead or dying', async () => {
      const { world, pool, operator } = await setUp()
      for (const name of ['a-failed-pod', 'b-leaving-pod', 'c-without-pod', 'd-finished', 'e-alive'])
        await world.member(pool, name)
      await world.podPhase('a-failed-pod', 'Failed')
      await client.patch(pods, world.named('b-leaving-pod'), mergePatch({ metadata: { finalizers: ['test/hold'] } }))
      await client.delete(pods, world.named('b-leaving-pod'))
      await client.delete(pods, world.named('c-without-pod'))
      await world.setState('d-finished', 'failed')
      await operator.idle()
      await world.claim('c')
      expect((await world.untilReason('c', ready)).status?.sandbox?.name).toBe('e-alive')
      await world.claim('d')
      // The Pod of one may come back: it is waited for; then there is none.
      expect((await world.untilReason('d', 'SandboxNotReady')).status?.sandbox?.name).toBe('d')
    })

    it('do not get stale members of a pool that is made anew, but those of others', async () => {
      const world = await openClaimWorld(client)
      await world.template()
      const strict = await world.pool({ updateStrategy: { type: 'Recreate' } }, 'strict')
      const lenient = await world.pool({}, 'lenient')
      await world.member(strict, 'stale-strict')
      await world.member(strict, 'strict')
      await world.member(lenient, 'stale-lenient')
      const operator = await start(world, { isStale: ({ metadata }) => metadata.name.startsWith('stale') })
      await operator.idle()
      await world.claim('a', { warmPoolRef: { name: 'strict' } })
      await world.claim('b', { warmPoolRef: { name: 'lenient' } })
      expect((await world.untilReason('a', ready)).status?.sandbox?.name).toBe('strict')
      expect((await world.untilReason('b', ready)).status?.sandbox?.name).toBe('stale-lenient')
    })

    it('get another when their member dies before they are Ready, and none after', async () => {
      const { world, pool, operator } = await setUp()
      for (const name of ['m-1', 'm-2']) await world.member(pool, name, 'starting')
      await operator.idle()
      await world.claim('c')
      expect((await world.untilReason('c', 'DependenciesNotReady')).status?.sandbox?.name).toBe('m-1')
      await world.setState('m-2', 'ready')
      await operator.idle()
      await world.setState('m-1', 'failed')
      const claim = await world.untilReason('c', ready)
      expect(claim.status?.sandbox?.name).toBe('m-2')
      expect(claim.metadata.annotations).toMatchObject({ [annotation.sandboxName]: 'm-2' })
      await operator.idle()
      expect((await world.sandboxes()).map(({ metadata }) => metadata.name)).toEqual(['m-2'])
      await world.setState('m-2', 'failed')
      const ended = await world.untilReason('c', 'PodFailed')
      expect(ended.status?.sandbox?.name).toBe('m-2')
      expect(ended.status?.conditions?.map(({ type }) => type)).toEqual(['Finished', 'Ready'])
    })

    it('are bound anew when their Sandbox is gone, and only then', async () => {
      const { world, pool, operator } = await setUp()
      await world.member(pool, 'm-1')
      await operator.idle()
      await world.claim('c')
      await world.untilReason('c', ready)
      await world.member(pool, 'm-2')
      await world.pool({}, 'other')
      await world.patchClaim('c', { spec: { warmPoolRef: { name: 'other' } } })
      await operator.idle()
      expect((await world.readClaim('c')).status?.sandbox?.name).toBe('m-1')
      expect((await world.readSandbox('m-1')).metadata.labels).toMatchObject({
        [label.sandboxTemplateRefHash]: nameHash('template'),
      })
      await client.delete(sandboxes, world.named('m-1'))
      expect((await world.untilReason('c', 'SandboxNotReady')).status?.sandbox?.name).toBe('c')
    })

    it('are each one process’s when two serve them', async () => {
      const world = await openClaimWorld(client)
      await world.template()
      const pool = await world.pool()
      const names = Array.from({ length: 30 }, (_, n) => `${n}`)
      await Promise.all(names.map((name) => world.member(pool, `m-${name}`)))
      const operators = [await start(world), await start(world)]
      await Promise.all(operators.map((operator) => operator.idle()))
      await Promise.all(names.map((name) => world.claim(`c-${name}`)))
      const claims = await Promise.all(names.map((name) => world.untilReason(`c-${name}`, ready)))
      await Promise.all(operators.map((operator) => operator.idle()))
      const all = await world.sandboxes()
      expect(all).toHaveLength(30)
      const owners = new Map(all.map((sandbox) => [sandbox.metadata.name, controllerOf(sandbox)?.uid]))
      for (const claim of claims) expect(owners.get(claim.status?.sandbox?.name ?? '')).toBe(claim.metadata.uid)
    })

    it('that came while nobody served them are served in the order they came', async () => {
      const world = await openClaimWorld(client)
      await world.template()
      const pool = await world.pool()
      for (const name of ['m-1', 'm-2']) await world.member(pool, name)
      for (const name of ['d', 'a', 'c', 'b']) await world.claim(name)
      await start(world, { settings: { claimWorkers: 1 } })
      const bound = async () =>
        (await world.claims()).flatMap(({ metadata: { name }, status }) =>
          status?.sandbox ? [`${name}: ${status.sandbox.name}`] : []
        )
      await expect.poll(async () => (await bound()).length).toBe(4)
      expect(await bound()).toEqual(['a: m-2', 'b: b', 'c: c', 'd: m-1'])
    })

    it('stay of the template their Sandbox was made from', async () => {
      const { world, pool, operator } = await setUp()
      await world.member(pool, 'm')
      await operator.idle()
      await world.claim('c')
      await world.untilReason('c', ready)
      await world.template(
        { podTemplate: { metadata: { labels: { team: 'other' } }, spec: { containers: [] } } },
        'new'
      )
      await client.patch(
        sandboxWarmPools,
        world.named('pool'),
        mergePatch({ spec: { sandboxTemplateRef: { name: 'new' } } })
      )
      await world.patchClaim('c', { spec: { additionalPodMetadata: { labels: { 'sandbox.users.io/x': 'y' } } } })
      await expect
        .poll(async () => (await world.readSandbox('m')).spec.podTemplate.metadata?.labels)
        .toMatchObject({ 'sandbox.users.io/x': 'y' })
      await operator.idle()
      const sandbox = await world.readSandbox('m')
      expect(sandbox.metadata.labels).toMatchObject({ [label.sandboxTemplateRefHash]: nameHash('template') })
      expect(sandbox.spec.podTemplate.metadata?.labels).toMatchObject({
        team: 'a',
        [label.sandboxTemplateRefHash]: nameHash('template'),
      })
    })
  })

  describe('without a pool to take from', () => {
    it('get a Sandbox of their own', async () => {
      const { world, operator } = await setUp()
      await world.claim('c')
      expect((await world.untilReason('c', 'SandboxNotReady')).status?.sandbox).toEqual({ name: 'c' })
      await world.setState('c', 'ready')
      await world.untilReason('c', ready)
      await operator.idle()
      expect(operator.calls.filter((call) => !call.endsWith('events'))).toEqual([
        'create sandboxes c',
        'patch sandboxclaims/status c',
        'patch sandboxclaims c',
        'patch sandboxclaims/status c',
        'patch sandboxclaims c',
      ])
      expect((await world.events()).map(({ reason, note }) => [reason, note])).toEqual([
        ['SandboxProvisioned', 'Created Sandbox "c"'],
      ])
      expect((await world.readSandbox('c')).metadata.labels).toMatchObject({ [label.launchType]: 'cold' })
    })

    it('leave the first word to it, and have one status and one stamp to write when it soon says that it is Ready', async () => {
      const { world, operator } = await setUp({ clock: { ...systemClock, now: () => 0 } })
      await world.claim('c')
      await expect
        .poll(() =>
          world.readSandbox('c').then(
            () => true,
            () => false
          )
        )
        .toBe(true)
      await world.setState('c', 'ready')
      await world.untilReason('c', ready)
      await operator.idle()
      expect(operator.calls.filter((call) => !call.endsWith('events'))).toEqual([
        'create sandboxes c',
        'patch sandboxclaims/status c',
        'patch sandboxclaims c',
      ])
    })

    it('bring what a member of a pool cannot have: environment and volumes', async () => {
      const world = await openClaimWorld(client)
      await world.template({ envVarsInjectionPolicy: 'Allowed', volumeClaimTemplatesPolicy: 'Allowed' })
      const pool = await world.pool()
      await world.member(pool, 'm')
      await start(world)
      await world.claim('e', { env: [{ name: 'A', value: '1' }] })
      await world.claim('v', { volumeClaimTemplates: [{ metadata: { name: 'v' }, spec: {} }] })
      for (const name of ['e', 'v'])
        expect((await world.untilReason(name, 'SandboxNotReady')).status?.sandbox?.name).toBe(name)
      expect((await world.readSandbox('e')).spec.podTemplate.spec.containers[0]?.env).toEqual([
        { name: 'A', value: '1' },
      ])
      expect((await world.readSandbox('v')).spec.volumeClaimTemplates).toEqual([{ metadata: { name: 'v' }, spec: {} }])
    })

    it('wait for their pool, and for its template', async () => {
      const world = await openClaimWorld(client)
      const operator = await start(world)
      await world.claim('c')
      const claim = await world.untilReason('c', 'WarmPoolNotFound')
      expect(claim.status?.conditions?.[0]?.message).toBe('SandboxWarmPool "pool" not found')
      expect(claim.status?.sandbox).toBeUndefined()
      await operator.idle()
      await world.pool()
      const next = await world.untilReason('c', 'TemplateNotFound')
      expect(next.status?.conditions?.[0]?.message).toBe('SandboxTemplate "template" not found')
      await operator.idle()
      await world.template()
      await world.untilReason('c', 'SandboxNotReady')
    })

    it('do not take a Sandbox of their name that is not theirs', async () => {
      const { world } = await setUp()
      await client.create(sandboxes, {
        metadata: world.named('c'),
        spec: { podTemplate: { spec: { containers: [{ name: 'x' }] } } },
      })
      await world.claim('c')
      const claim = await world.untilReason('c', 'ReconcilerError')
      expect(claim.status?.conditions?.[0]?.message).toBe('Error seen: Sandbox "c" is not controlled by this claim')
      await client.delete(sandboxes, world.named('c'))
      expect((await world.untilReason('c', 'SandboxNotReady')).status?.sandbox?.name).toBe('c')
    })
  })

  it.each([
    ['InvalidMetadata', { additionalPodMetadata: { labels: { app: 'sandbox-router' } } }],
    ['ReconcilerError', { additionalPodMetadata: { annotations: { note: 'other' } } }],
    ['EnvVarsInjectionRejected', { env: [{ name: 'A', value: '1' }] }],
    ['VolumeClaimTemplatesError', { volumeClaimTemplates: [{ metadata: { name: 'v' }, spec: {} }] }],
  ])('are refused with %s once, until they change', async (reason, spec) => {
    const { world, pool, operator } = await setUp()
    await world.member(pool, 'm')
    await operator.idle()
    await world.claim('c', spec)
    await world.untilReason('c', reason)
    await operator.idle()
    const calls = [...operator.calls]
    expect(calls).toEqual(['patch sandboxclaims/status c', 'patch sandboxclaims c'])
    await world.patchClaim('c', { spec: { additionalPodMetadata: null, env: null, volumeClaimTemplates: null } })
    expect((await world.untilReason('c', ready)).status?.sandbox?.name).toBe('m')
  })

  it.each([
    { type: sandboxClaims, name: 'c', bad: { env: { A: '1' } }, good: { env: null }, wrong: 'spec.env is not a list' },
    {
      type: sandboxWarmPools,
      name: 'pool',
      bad: { replicas: -1 },
      good: { replicas: 1 },
      wrong: 'SandboxWarmPool "pool": spec.replicas is less than 0: -1',
    },
    {
      type: sandboxTemplates,
      name: 'template',
      bad: { service: 'yes' },
      good: { service: null },
      wrong: 'SandboxTemplate "template": spec.service is neither true nor false: "yes"',
    },
  ])(
    'are told what of a $type.kind cannot be read, once, until it changes',
    async ({ type, name, bad, good, wrong }) => {
      const { world, pool, operator } = await setUp()
      await world.member(pool, 'm')
      const edit = (spec: object) => client.patch(type as ResourceType, world.named(name), mergePatch({ spec }))
      if (type !== sandboxClaims) await edit(bad)
      await operator.idle()
      await world.claim('c', type === sandboxClaims ? (bad as object) : {})
      const claim = await world.untilReason('c', 'ReconcilerError')
      expect(claim.status?.conditions?.[0]?.message).toBe(`Error seen: ${wrong}`)
      await operator.idle()
      expect(operator.calls).toEqual(['patch sandboxclaims/status c', 'patch sandboxclaims c'])
      await edit(good)
      expect((await world.untilReason('c', ready)).status?.sandbox?.name).toBe('m')
    }
  )

  describe('at their end', () => {
    /** A bound claim that ends now. */
    async function expiring(shutdownPolicy: 'Delete' | 'DeleteForeground' | 'Retain') {
      const { world, pool, operator } = await setUp()
      await world.member(pool, 'm')
      await operator.idle()
      await world.claim('c', { lifecycle: { shutdownTime: secondsFromNow(3600), shutdownPolicy } })
      await world.untilReason('c', ready)
      const marked = world.untilReason('c', 'ClaimExpired')
      await world.patchClaim('c', { spec: { lifecycle: { shutdownTime: secondsFromNow(-1) } } })
      const { status } = await marked
      expect(status?.conditions?.[0]).toMatchObject({
        status: 'False',
        message: 'Claim expired. Sandbox cleanup initiated.',
      })
      return { world, operator }
    }
    const gone = (read: () => Promise<unknown>) => expect.poll(() => read().then(() => false, isNotFound)).toBe(true)

    it('Delete deletes them; the Sandbox is the garbage collector’s', async () => {
      const { world } = await expiring('Delete')
      await gone(() => world.readClaim('c'))
      expect((await world.readSandbox('m')).metadata.deletionTimestamp).toBeUndefined()
      await expect
        .poll(async () => (await world.events()).filter(({ reason }) => reason === 'ClaimExpired'))
        .toHaveLength(2)
    })

    it('DeleteForeground leaves them until their Sandbox is gone', async () => {
      const { world, operator } = await expiring('DeleteForeground')
      await expect.poll(async () => (await world.readClaim('c')).metadata.deletionTimestamp).toBeDefined()
      await operator.idle()
      expect((await world.readClaim('c')).metadata.finalizers).toEqual(['foregroundDeletion'])
    })

    it('Retain deletes their Sandbox alone', async () => {
      const { world, operator } = await expiring('Retain')
      await gone(() => world.readSandbox('m'))
      await operator.idle()
      const claim = await world.readClaim('c')
      expect(claim.status?.sandbox).toBeUndefined()
      expect(claim.status?.conditions?.map(({ reason }) => reason)).toEqual(['ClaimExpired'])
      expect((await world.events()).filter(({ reason }) => reason === 'ClaimExpired')).toHaveLength(1)
    })

    it('Retain leaves alone what is not theirs', async () => {
      const { world, operator } = await setUp()
      await client.create(sandboxes, {
        metadata: world.named('c'),
        spec: { podTemplate: { spec: { containers: [{ name: 'x' }] } } },
      })
      await world.claim('c', { lifecycle: { shutdownTime: secondsFromNow(-1) } })
      await expect
        .poll(async () => (await world.readClaim('c')).status?.conditions?.[0]?.message)
        .toBe('Claim expired. Sandbox is not controlled by this claim; deletion skipped.')
      await operator.idle()
      await world.readSandbox('c')
    })

    it('comes by itself, a while after their Sandbox has finished', async () => {
      const { world, pool, operator } = await setUp()
      await world.member(pool, 'm')
      await operator.idle()
      await world.claim('c', { lifecycle: { ttlSecondsAfterFinished: 3, shutdownPolicy: 'Delete' } })
      await world.untilReason('c', ready)
      await world.setState('m', 'failed')
      const { status } = await world.untilReason('c', 'PodFailed')
      expect(status?.conditions?.map(({ type }) => type)).toEqual(['Finished', 'Ready'])
      expect((await world.untilReason('c', 'ClaimExpired')).status?.conditions?.map(({ type }) => type)).toEqual([
        'Finished',
        'Ready',
      ])
      await gone(() => world.readClaim('c'))
    })
  })

  it('of older versions are brought up to date', async () => {
    const world = await openClaimWorld(client)
    await world.template()
    const pool = await world.pool()
    const claim = await world.claim('c', {}, { labels: { [annotation.sandboxName]: 'm' } })
    await client.create(networkPolicies, {
      metadata: { ...world.named('c-network-policy'), ownerReferences: [controllerReference(sandboxClaims, claim)] },
      spec: { podSelector: {} },
    })
    await client.create(networkPolicies, { metadata: world.named('d-network-policy'), spec: { podSelector: {} } })
    await world.claim('d', { warmPoolRef: { name: 'none' } })
    await world.member(pool, 'm')
    const operator = await start(world)
    await world.untilReason('c', ready)
    await operator.idle()
    const { metadata, status } = await world.readClaim('c')
    expect(status?.sandbox?.name).toBe('m')
    expect(metadata.labels ?? {}).not.toHaveProperty([annotation.sandboxName])
    expect(metadata.annotations).toMatchObject({ [annotation.sandboxName]: 'm' })
    const { items } = await client.list(networkPolicies, { namespace: world.namespace })
    expect(items.map(({ metadata: { name } }) => name)).toEqual(['d-network-policy'])
  })
})
