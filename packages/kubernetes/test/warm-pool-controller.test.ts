import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  annotation,
  label,
  nameHash,
  type Sandbox,
  type SandboxTemplateSpec,
  type SandboxWarmPoolSpec,
  sandboxClaims,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../src/api/index.ts'
import {
  type ApiClient,
  ApiError,
  controllerOf,
  controllerReference,
  events,
  isNotFound,
  mergePatch,
  namespaces,
  type Stored,
  TransportError,
  wholeSeconds,
} from '../src/controller/index.ts'
import { endOf, isReady } from '../src/warmpool/member-state.ts'
import { poolSandbox } from '../src/warmpool/pool-sandbox.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { openCuttableProxy } from './support/cuttable-proxy.ts'
import { installKinds } from './support/install-kinds.ts'
import type { Interpose } from './support/interposed.ts'
import { openPoolOperator, type PoolOperatorOptions } from './support/pool-operator.ts'

const isCreate: (write: Parameters<Interpose>[0]) => boolean = ({ verb, type }) =>
  verb === 'create' && type === sandboxes

describe.skipIf(skipped())('warm pools over a real API server', () => {
  let plane: ControlPlane
  let client: ApiClient
  const undo = new AsyncDisposableStack()
  let made = 0

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    client = undo.use(await plane.client()).client
    await installKinds(client)
  })
  afterAll(() => undo.disposeAsync())

  /** A namespace of its own, and what a test does in it. */
  async function room() {
    made += 1
    const namespace = `room-${made}`
    await client.create(namespaces, { metadata: { name: namespace } })
    // Pools of tests that are over are no work for the operators of those that come.
    onTestFinished(async () => {
      const pools = await client.list(sandboxWarmPools, { namespace })
      for (const { metadata } of pools.items) await client.delete(sandboxWarmPools, metadata)
    })
    const metadata = (name: string) => ({ namespace, name })
    const members = async () => (await client.list(sandboxes, { namespace })).items
    const setStatus = ({ metadata: { name } }: Stored, conditions: readonly [string, string, string][]) =>
      client.patch(
        sandboxes,
        { namespace, name },
        mergePatch({
          status: {
            conditions: conditions.map(([type, status, reason]) => ({
              type,
              status,
              reason,
              message: 'said by the test',
              lastTransitionTime: wholeSeconds(Date.now()),
            })),
          },
        }),
        { subresource: 'status' }
      )
    return {
      namespace,
      members,
      names: async () => (await members()).map(({ metadata: { name } }) => name),
      template: (spec: Partial<SandboxTemplateSpec> = {}, name = 'small') =>
        client.create(sandboxTemplates, {
          metadata: metadata(name),
          spec: { podTemplate: { spec: { containers: [{ name: 'main', image: 'busybox' }] } }, ...spec },
        }),
      changeTemplate: (spec: object) => client.patch(sandboxTemplates, metadata('small'), mergePatch({ spec })),
      pool: (spec: Partial<SandboxWarmPoolSpec> = {}, name = 'pool') =>
        client.create(sandboxWarmPools, {
          metadata: metadata(name),
          spec: { replicas: 3, sandboxTemplateRef: { name: 'small' }, ...spec },
        }),
      scale: (replicas: number) => client.patch(sandboxWarmPools, metadata('pool'), mergePatch({ spec: { replicas } })),
      poolStatus: async () => (await client.get(sandboxWarmPools, metadata('pool'))).status,
      /** As the Sandbox controller does when a Pod is. */
      ready: (sandbox: Stored<Sandbox>) => setStatus(sandbox, [['Ready', 'True', 'DependenciesReady']]),
      fails: (sandbox: Stored<Sandbox>) =>
        setStatus(sandbox, [
          ['Finished', 'True', 'PodFailed'],
          ['Ready', 'False', 'PodFailed'],
        ]),
      isRefusedByNodes: (sandbox: Stored<Sandbox>) =>
        setStatus(sandbox, [
          ['PodScheduled', 'False', 'Unschedulable'],
          ['Ready', 'False', 'DependenciesNotReady'],
        ]),
      /** As the claim controller does. */
      claim: async ({ metadata: { name, resourceVersion } }: Stored<Sandbox>) => {
        const claim = await client.create(sandboxClaims, {
          metadata: metadata(`claim-of-${name}`),
          spec: { warmPoolRef: { name: 'pool' } },
        })
        const ownerReferences = [controllerReference(sandboxClaims, claim)]
        const labels = { [label.warmPoolSandbox]: null, [label.claimUid]: claim.metadata.uid }
        const patch = mergePatch({ metadata: { resourceVersion, labels, ownerReferences } })
        return await client.patch(sandboxes, { namespace, name }, patch)
      },
      /** Resolves when there are so many members of pools, others not counted. */
      filled: (count: number) =>
        expect
          .poll(
            async () => (await members()).filter((member) => controllerOf(member)?.kind === 'SandboxWarmPool').length
          )
          .toBe(count),
      eventsSaid: async () =>
        (await client.list(events, { namespace })).items.map(({ type, reason }) => `${type} ${reason}`),
    }
  }

  const operator = (options: PoolOperatorOptions = {}) => openPoolOperator(plane, options)

  it('fills a pool, with one write a member and few for the status', async () => {
    const { template, pool, members, filled, ready, poolStatus } = await room()
    await using working = await operator()
    const small = await template({
      podTemplate: { spec: { containers: [{ name: 'main', image: 'busybox', ports: [{ containerPort: 80 }] }] } },
    } as object)
    const created = await pool({ replicas: 40 })
    await filled(40)
    for (const member of await members()) {
      expect(member).toMatchObject(poolSandbox(created, small, { name: member.metadata.name, evictable: true }))
      expect(member.metadata.name).toMatch(/^pool-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
      await ready(member)
    }
    await expect.poll(poolStatus).toEqual({
      replicas: 40,
      readyReplicas: 40,
      selector: `agents.x-k8s.io/warm-pool-sandbox=${nameHash('pool')}`,
      observedGeneration: 1,
    })
    expect(working.countOf('create')).toBe(40)
    expect(working.writes.length - 40).toBe(working.countOf('status'))
    const seconds = Math.ceil((Date.now() - Date.parse(created.metadata.creationTimestamp)) / 1000)
    expect(working.countOf('status')).toBeLessThanOrEqual(seconds + 1)
  })

  it('follows the number wanted, up and down: un-Ready ones go first, then the newest', async () => {
    const { template, pool, members, names, filled, ready, scale, poolStatus } = await room()
    await using working = await operator()
    await template()
    await pool({ replicas: 1 })
    await filled(1)
    const [first] = await members()
    if (!first) throw new Error('no member')
    await scale(3)
    await filled(3)
    const second = (await members()).find(({ metadata }) => metadata.name !== first.metadata.name)
    if (!second) throw new Error('no second member')
    await ready(second)
    await expect.poll(poolStatus).toMatchObject({ replicas: 3, readyReplicas: 1 })
    await scale(1)
    await filled(1)
    expect(await names()).toEqual([second.metadata.name])
    await scale(0)
    await filled(0)
    await expect.poll(poolStatus).toMatchObject({ replicas: 0, readyReplicas: 0, observedGeneration: 4 })
    expect([working.countOf('create'), working.countOf('delete')]).toEqual([3, 3])
  })

  it('replaces a member that a claim takes, with one write when the new one is soon Ready', async () => {
    const { namespace, template, pool, members, filled, ready, claim, poolStatus } = await room()
    await using working = await operator()
    await template()
    await pool({ replicas: 2 })
    await filled(2)
    for (const member of await members()) await ready(member)
    await expect.poll(poolStatus).toMatchObject({ replicas: 2, readyReplicas: 2 })
    const before = { creates: working.countOf('create'), statuses: working.countOf('status') }
    const [taken] = await members()
    if (!taken) throw new Error('no member')
    const began = performance.now()
    await claim(taken)
    await expect.poll(() => working.countOf('create')).toBe(before.creates + 1)
    await filled(2)
    for (const member of await members()) if (controllerOf(member)?.kind === 'SandboxWarmPool') await ready(member)
    const { store } = working.caches.sandboxes
    await expect.poll(() => store.by('pool', `${namespace}/${nameHash('pool')}`).filter(isReady).length).toBe(2)
    await expect.poll(poolStatus).toMatchObject({ replicas: 2, readyReplicas: 2 })
    // None, unless the machine stood still for a second.
    const seconds = Math.floor((performance.now() - began) / 1000)
    expect(working.countOf('status') - before.statuses).toBeLessThanOrEqual(seconds)
    expect(working.countOf('create')).toBe(before.creates + 1)
    expect(working.countOf('delete')).toBe(0)
  })

  it('never deletes a Sandbox that a claim takes in that very moment', async () => {
    const { template, pool, members, names, filled, claim, scale } = await room()
    const overtaken: string[] = []
    await using working = await operator({
      interpose: async (write, send) => {
        if (write.verb === 'delete' && overtaken.length === 0) {
          overtaken.push(write.name)
          const taken = (await members()).find(({ metadata }) => metadata.name === write.name)
          if (taken) await claim(taken)
        }
        return await send()
      },
    })
    await template()
    await pool({ replicas: 3 })
    await filled(3)
    await scale(1)
    await filled(1)
    expect(overtaken).toHaveLength(1)
    expect(await names()).toHaveLength(2)
    expect(await names()).toContain(overtaken[0])
    expect(working.countOf('delete')).toBe(2)
  })

  it('leaves a member alone that a claim has been given', async () => {
    const { namespace, template, pool, members, names, filled, scale, poolStatus } = await room()
    await using working = await operator()
    await template()
    await pool({ replicas: 3 })
    await filled(3)
    const given = await names()
    for (const name of given.slice(1)) {
      await client.create(sandboxClaims, {
        metadata: { namespace, name: `claim-of-${name}`, annotations: { [annotation.sandboxName]: name } },
        spec: { warmPoolRef: { name: 'pool' } },
      })
    }
    await expect.poll(() => working.caches.claims.store.list(namespace)).toHaveLength(2)
    await scale(0)
    await expect.poll(poolStatus).toMatchObject({ replicas: 2, observedGeneration: 2 })
    expect(await names()).toEqual(given.slice(1))
    expect(await members()).toHaveLength(2)
    // One claim goes, the other ends and stays: neither will take what it was given.
    await client.delete(sandboxClaims, { namespace, name: `claim-of-${given[1]}` })
    const conditions = [
      { type: 'Ready', status: 'False', reason: 'ClaimExpired', message: '', lastTransitionTime: wholeSeconds(0) },
    ]
    const ended = { namespace, name: `claim-of-${given[2]}` }
    await client.patch(sandboxClaims, ended, mergePatch({ status: { conditions } }), { subresource: 'status' })
    await expect.poll(names, { timeout: 15_000 }).toEqual([])
  })

  it('makes stale members anew under Recreate', async () => {
    const { template, pool, members, names, filled, changeTemplate } = await room()
    await using working = await operator()
    await template()
    await pool({ updateStrategy: { type: 'Recreate' } })
    await filled(3)
    const before = await names()
    await changeTemplate({ podTemplate: { spec: { containers: [{ name: 'main', image: 'other' }] } } })
    await expect.poll(async () => (await names()).some((name) => before.includes(name))).toBe(false)
    await filled(3)
    for (const { spec } of await members()) expect(spec.podTemplate.spec.containers[0]?.image).toBe('other')
    // What is no part of a Sandbox's content changes nothing: nor does an edit of metadata.
    const after = await names()
    await changeTemplate({ podTemplate: { metadata: { labels: { app: 'x' } } }, envVarsInjectionPolicy: 'Allowed' })
    await client.patch(
      sandboxWarmPools,
      { namespace: (await members())[0]?.metadata.namespace, name: 'pool' },
      mergePatch({ spec: { replicas: 4 } })
    )
    await filled(4)
    expect(await names()).toEqual(expect.arrayContaining(after))
    expect([working.countOf('create'), working.countOf('delete')]).toEqual([7, 3])
  })

  it('keeps stale members under OnReplenish until they are taken', async () => {
    const { template, pool, members, names, filled, changeTemplate, claim } = await room()
    await using working = await operator()
    await template()
    await pool()
    await filled(3)
    const before = await names()
    await changeTemplate({ podTemplate: { spec: { containers: [{ name: 'main', image: 'other' }] } } })
    const [taken] = await members()
    if (!taken) throw new Error('no member')
    await claim(taken)
    await filled(3)
    expect((await names()).filter((name) => before.includes(name))).toHaveLength(3)
    const fresh = (await members()).find(({ metadata }) => !before.includes(metadata.name))
    expect(fresh?.spec.podTemplate.spec.containers[0]?.image).toBe('other')
    expect(working.countOf('delete')).toBe(0)
  })

  it('waits for a template that comes later, and keeps its members when it goes', async () => {
    const { namespace, template, pool, names, filled, poolStatus, scale } = await room()
    await using working = await operator()
    await pool()
    await expect.poll(poolStatus).toMatchObject({ replicas: 0, readyReplicas: 0, observedGeneration: 1 })
    expect(working.countOf('create')).toBe(0)
    await template()
    await filled(3)
    await client.delete(sandboxTemplates, { namespace, name: 'small' })
    await expect.poll(() => working.caches.templates.store.get(`${namespace}/small`)).toBeUndefined()
    await scale(5)
    await expect.poll(poolStatus).toMatchObject({ replicas: 3, observedGeneration: 2 })
    expect(await names()).toHaveLength(3)
  })

  it('replaces members whose Pods have ended at once, but does not loop', async () => {
    const { namespace, template, pool, members, names, filled, fails, scale, eventsSaid, changeTemplate } = await room()
    await using working = await operator()
    await template()
    await pool({ replicas: 2 })
    await filled(2)
    const first = await members()
    const created = Math.max(...first.map(({ metadata }) => Date.parse(metadata.creationTimestamp)))
    // Times of creation are whole seconds: only what was created in a later one is known to be a replacement.
    await expect.poll(() => Date.now()).toBeGreaterThan(created + 2_000)
    for (const member of first) {
      await fails(member)
      await expect.poll(names).not.toContain(member.metadata.name)
      await filled(2)
    }
    const second = await members()
    for (const member of second) await fails(member)
    const known = () => working.caches.sandboxes.store.list(namespace).filter((member) => endOf(member) !== undefined)
    await expect.poll(known).toHaveLength(2)
    await scale(3)
    await filled(3)
    // Kept, to be looked at: it is 10 s until the next ones are made, unless somebody mends the template.
    expect(await names()).toEqual(expect.arrayContaining(second.map(({ metadata }) => metadata.name)))
    expect([working.countOf('create'), working.countOf('delete')]).toEqual([5, 2])
    await changeTemplate({ podTemplate: { spec: { containers: [{ name: 'main', image: 'mended' }] } } })
    for (const { metadata } of second) await expect.poll(names).not.toContain(metadata.name)
    await filled(3)
    await expect.poll(eventsSaid).toContain('Warning WarmPoolSandboxEnded')
  })

  it('replaces members that do not become Ready in time, unless no node takes them', async () => {
    const { template, pool, members, names, filled, ready, isRefusedByNodes, eventsSaid } = await room()
    await using _ = await operator({
      settings: { warmPoolReadinessGracePeriodMs: 3_000, warmPoolUnschedulableRecheckIntervalMs: 500 },
    })
    await template()
    await pool({ replicas: 2 })
    await filled(2)
    const [one, other] = await members()
    if (!one || !other) throw new Error('no members')
    await isRefusedByNodes(one)
    await expect.poll(names).not.toContain(other.metadata.name)
    await expect.poll(eventsSaid).toContain('Warning WarmPoolNotProgressing')
    expect(await names()).toContain(one.metadata.name)
    await ready(one)
    await expect.poll(eventsSaid).toContain('Normal WarmPoolProgressing')
    expect((await eventsSaid()).filter((said) => said.includes('NotProgressing'))).toHaveLength(1)
    expect(await names()).toContain(one.metadata.name)
  })

  it('creates no member too many when the operator is killed while it fills a pool', async () => {
    const { template, pool, names, filled } = await room()
    await template()
    await pool({ replicas: 60 })
    const halted = Promise.withResolvers<void>()
    const killed = Promise.withResolvers<undefined>()
    let answered = 0
    const first = await operator({
      interpose: async (write, send) => {
        if (!isCreate(write)) return await send()
        // Half-way it stands still, so that nothing is on its way to the API server when it is killed.
        if (answered >= 25) {
          halted.resolve()
          return await killed.promise
        }
        const answer = await send()
        answered += 1
        return answer
      },
    })
    await halted.promise
    const dying = first.kill()
    killed.reject(new Error('killed'))
    await dying
    const before = await names()
    expect(before.length).toBeGreaterThanOrEqual(25)
    expect(before.length).toBeLessThan(60)
    await using second = await operator()
    await filled(60)
    expect(second.countOf('create')).toBe(60 - before.length)
    expect(second.countOf('delete')).toBe(0)
    expect(await names()).toEqual(expect.arrayContaining(before))
  })

  it.each(['was carried out', 'was not carried out', 'is carried out later'])(
    'creates no member too many when a create gets no answer and %s',
    async (what) => {
      const { template, pool, names, filled, scale } = await room()
      const lost: string[] = []
      let later = async () => {}
      await using working = await operator({
        interpose: async (write, send) => {
          if (!isCreate(write)) return await send()
          if (lost.length > 0) {
            await later()
            return await send()
          }
          lost.push(write.name)
          if (what === 'was carried out') await send()
          // Just before the next create, so that whoever sends that one cannot know.
          if (what === 'is carried out later') {
            later = async () => {
              later = async () => {}
              await send()
            }
          }
          throw new TransportError('POST', false, new Error('cut'))
        },
      })
      await template()
      await pool()
      await filled(3)
      await scale(5)
      await filled(5)
      // It was sent again under its name, or seen before.
      expect(await names()).toContain(lost[0])
      expect(working.countOf('delete')).toBe(0)
      expect(working.countOf('create')).toBeLessThanOrEqual(6)
    }
  )

  it('creates no member too many while its watches are silent', async () => {
    const { template, pool, names, filled, poolStatus } = await room()
    await using proxy = await openCuttableProxy(plane.port)
    await template()
    await using working = await operator({
      watchPort: proxy.port,
      interpose: async (write, send) => {
        if (isCreate(write)) proxy.swallowing = true
        return await send()
      },
    })
    await pool({ replicas: 10 })
    // Written by a later pass than the one that created: the members are not Ready, and that is waited for.
    await expect.poll(poolStatus).toMatchObject({ replicas: 10 })
    proxy.swallowing = false
    proxy.cut()
    const before = await names()
    await expect.poll(() => working.caches.sandboxes.store.list().length).toBeGreaterThanOrEqual(10)
    await filled(10)
    expect(await names()).toEqual(before)
    expect(working.countOf('create')).toBe(10)
  })

  it('deletes no member too many when a delete gets no answer', async () => {
    const { template, pool, filled, scale, poolStatus } = await room()
    let lost = 0
    await using working = await operator({
      interpose: async (write, send) => {
        if (write.verb !== 'delete' || lost > 0) return await send()
        lost += 1
        await send()
        throw new TransportError('DELETE', false, new Error('cut'))
      },
    })
    await template()
    await pool({ replicas: 4 })
    await filled(4)
    await scale(2)
    await expect.poll(poolStatus).toMatchObject({ replicas: 2, observedGeneration: 2 })
    await scale(3)
    await filled(3)
    expect(working.countOf('create')).toBe(5)
  })

  it('tries a create that is refused once, and says why', async () => {
    const { template, pool, filled, eventsSaid, changeTemplate, poolStatus } = await room()
    let refusing = true
    const refusedAt: number[] = []
    await using _working = await operator({
      interpose: async (write, send) => {
        if (refusing && isCreate(write)) {
          refusedAt.push(performance.now())
          throw new ApiError('POST sandboxes', 403, { reason: 'Forbidden', message: 'exceeded quota' })
        }
        return await send()
      },
    })
    await template()
    await pool({ replicas: 50 })
    await expect.poll(eventsSaid).toContain('Warning FailedCreate')
    await expect.poll(poolStatus).toMatchObject({ replicas: 0 })
    await expect.poll(() => refusedAt.length).toBeGreaterThanOrEqual(5)
    // One a round, and rounds ever farther apart: 200, 400, 800, 1,600 ms at the least.
    const [first = 0, , , , fifth = 0] = refusedAt
    expect(fifth - first).toBeGreaterThanOrEqual(3_000)
    refusing = false
    await changeTemplate({ service: true })
    await filled(50)
  })

  it('lets go of a create without an answer when the member is not wanted any more', async () => {
    const { template, pool, names, filled, scale, poolStatus } = await room()
    const lost: string[] = []
    let losing = true
    await using working = await operator({
      interpose: async (write, send) => {
        if (!losing || !isCreate(write)) return await send()
        lost.push(write.name)
        throw new TransportError('POST', false, new Error('cut'))
      },
    })
    await template()
    await pool()
    // Again and again, under one name.
    await expect.poll(() => lost.length).toBeGreaterThan(2)
    expect(new Set(lost)).toHaveLength(1)
    await scale(0)
    await expect.poll(poolStatus).toMatchObject({ replicas: 0, observedGeneration: 2 })
    losing = false
    await scale(2)
    await filled(2)
    expect(working.countOf('create')).toBe(lost.length + 2)
    expect(await names()).toHaveLength(2)
  })

  it('fills a pool even if a Sandbox in its way can be neither deleted nor adopted', async () => {
    const { namespace, template, pool, filled, names, eventsSaid } = await room()
    const small = await template()
    const owner = await pool({ replicas: 0 })
    const { metadata, spec } = poolSandbox(owner, small, { name: 'same', evictable: true })
    await client.create(sandboxes, { metadata: { ...metadata, ownerReferences: [] }, spec })
    const other = { ...metadata, name: 'other', ownerReferences: [] }
    await client.create(sandboxes, { metadata: other, spec: { ...spec, service: true } })
    await using _ = await operator({
      interpose: async ({ verb, type }, send) => {
        if (type !== sandboxes || verb === 'create') return await send()
        throw new ApiError(verb, 403, { reason: 'Forbidden', message: 'not by you' })
      },
    })
    await client.patch(sandboxWarmPools, { namespace, name: 'pool' }, mergePatch({ spec: { replicas: 3 } }))
    // One place is held for the one that is as good as a member.
    await filled(2)
    expect(await names()).toEqual(expect.arrayContaining(['same', 'other']))
    await expect.poll(eventsSaid).toEqual(expect.arrayContaining(['Warning FailedDelete', 'Warning FailedAdopt']))
  })

  it('goes on with other pools before it has adopted all of many', async () => {
    const [busy, other] = [await room(), await room()]
    const small = await busy.template()
    const owner = await busy.pool({ replicas: 0 })
    const { metadata, spec } = poolSandbox(owner, small, { name: '', evictable: true })
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        client.create(sandboxes, { metadata: { ...metadata, name: `o-${n}`, ownerReferences: [] }, spec })
      )
    )
    const begun = Promise.withResolvers<void>()
    let adopted = 0
    await using _working = await operator({
      interpose: async ({ verb, type, name }, send) => {
        if (verb === 'patch' && type === sandboxes && name.startsWith('o-')) {
          adopted += 1
          begun.resolve()
          await new Promise((resolve) => setTimeout(resolve, 250))
        }
        return send()
      },
    })
    await begun.promise
    await other.template()
    await other.pool({ replicas: 1 })
    await other.filled(1)
    expect(adopted).toBeLessThan(60)
  })

  it('adopts ownerless members that are what the template makes, and deletes others', async () => {
    const { namespace, template, pool, members, filled, names } = await room()
    const small = await template()
    const owner = await pool()
    const orphan = (name: string, spec: Partial<Sandbox['spec']> = {}) => {
      const sandbox = poolSandbox(owner, small, { name, evictable: true })
      return client.create(sandboxes, {
        metadata: { ...sandbox.metadata, ownerReferences: [] },
        spec: { ...sandbox.spec, ...spec },
      })
    }
    await orphan('before')
    await orphan('other', { service: true })
    await using working = await operator()
    await filled(3)
    await expect.poll(names).not.toContain('other')
    expect(await names()).toContain('before')
    // Noticed while it runs, too: by the label alone.
    await client.patch(sandboxes, { namespace, name: 'before' }, mergePatch({ metadata: { ownerReferences: null } }))
    await expect
      .poll(async () => (await members()).every((member) => controllerOf(member)?.uid === owner.metadata.uid))
      .toBe(true)
    expect(await names()).toHaveLength(3)
    expect(working.countOf('create')).toBe(2)
  })

  it('does nothing about a pool that is being deleted', async () => {
    const { namespace, template, pool, members, filled } = await room()
    await using working = await operator()
    await template()
    const going = await pool()
    await filled(3)
    const held = await client.patch(
      sandboxWarmPools,
      going.metadata,
      mergePatch({ metadata: { finalizers: ['test/hold'] } })
    )
    await client.delete(sandboxWarmPools, held.metadata)
    await expect
      .poll(() => working.caches.pools.store.get(`${namespace}/pool`)?.metadata.deletionTimestamp)
      .toBeTruthy()
    for (const { metadata } of await members()) await client.delete(sandboxes, metadata)
    // By the time another pool is full, this one has been looked at.
    await pool({ replicas: 2 }, 'other')
    await filled(2)
    expect((await members()).map((member) => controllerOf(member)?.name)).toEqual(['other', 'other'])
    await client.patch(sandboxWarmPools, held.metadata, mergePatch({ metadata: { finalizers: null } }))
  })

  it('tells the members of two pools apart whose names have the same hash', async () => {
    const { template, pool, members, filled } = await room()
    const [one, other] = ['pool-1k6eh7q', 'pool-12j9xe8']
    expect(nameHash(one)).toBe(nameHash(other))
    await using working = await operator()
    await template()
    await template({ service: true }, 'other')
    await pool({ replicas: 2 }, one)
    await pool({ replicas: 3, sandboxTemplateRef: { name: 'other' }, updateStrategy: { type: 'Recreate' } }, other)
    await filled(5)
    const owners = (await members()).map((member) => controllerOf(member)?.name)
    expect(owners.toSorted()).toEqual([one, one, other, other, other].toSorted())
    expect(working.countOf('delete')).toBe(0)
  })

  it('refills no faster than the rate allows, and after the delay', async () => {
    const { template, pool, members, filled, claim } = await room()
    await using working = await operator({ settings: { warmPoolReplenishDelayMs: 1_000, warmPoolMaxRefillRate: 5 } })
    await template()
    const began = performance.now()
    await pool({ replicas: 8 })
    await filled(8)
    // Five at once, then one every 200 ms.
    expect(performance.now() - began).toBeGreaterThan(590)
    const [taken] = await members()
    if (!taken) throw new Error('no member')
    const left = performance.now()
    await claim(taken)
    await expect.poll(() => working.countOf('create')).toBe(9)
    expect(performance.now() - left).toBeGreaterThan(990)
  })

  it('lets go of what is gone', async () => {
    const { namespace, template, pool, filled } = await room()
    await using working = await operator()
    await template()
    const first = await pool({ replicas: 1 })
    await filled(1)
    await client.delete(sandboxWarmPools, first.metadata)
    await expect.poll(() => working.caches.pools.store.get(`${namespace}/pool`)).toBeUndefined()
    const again = await pool({ replicas: 2 })
    // The old one's member is the garbage collector's, and counts for nothing.
    await filled(3)
    const own = (await client.list(sandboxes, { namespace })).items.filter(
      (member) => controllerOf(member)?.uid === again.metadata.uid
    )
    expect(own).toHaveLength(2)
    await expect(client.get(sandboxWarmPools, { namespace, name: 'none' })).rejects.toSatisfy(isNotFound)
  })
})
