import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { annotation, label, nameHash, type Sandbox, sandboxes } from '../src/api/index.ts'
import {
  controllerReference,
  events,
  mergePatch,
  type OwnerReference,
  persistentVolumeClaims,
  pods,
  type Stored,
  services,
  wholeSeconds,
} from '../src/controller/index.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { installLooseKinds } from './support/loose-kinds.ts'
import { openSandboxOperator, type SandboxOperator, sandbox } from './support/sandbox-operator.ts'

/** Longer than any test: a status that is on its way to something is not written in between. */
const noInterimStatus = { sandboxWriteBehindWindowMs: 600_000 }
const namedPod = (name: string) => ({ annotations: { [annotation.podName]: name } })
const ip = '10.0.0.7'
/** Two names with one hash. */
const colliding = ['s-1vl8', 's-ipd6'] as const
const referenceTo = (kind: string, name: string): OwnerReference => ({
  apiVersion: 'apps/v1',
  kind,
  name,
  uid: crypto.randomUUID(),
  controller: true,
  blockOwnerDeletion: true,
})
const isReady = 'True DependenciesReady: Pod is Ready'

describe.skipIf(skipped())('the Sandbox controller', () => {
  let plane: ControlPlane
  const undo = new AsyncDisposableStack()

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    await installLooseKinds(undo.use(await plane.client()).client)
  })
  afterAll(() => undo.disposeAsync())

  const create = (operator: SandboxOperator, { metadata, ...rest }: Sandbox): Promise<Stored<Sandbox>> =>
    operator.client.create(sandboxes, { metadata: { namespace: operator.namespace, ...metadata }, ...rest })
  const appears = async (operator: SandboxOperator, name: string, type: typeof pods | typeof services = pods) => {
    await expect.poll(() => operator.get(type as typeof pods, name)).toBeDefined()
    const found = await operator.get(type as typeof pods, name)
    if (!found) throw new Error(`${name} is gone again`)
    return found
  }
  const becomesReady = async (operator: SandboxOperator, name: string) => {
    await appears(operator, name)
    await operator.podIs(name, 'Running', { ready: true, ip })
    await expect.poll(() => operator.ready(name)).toMatch(isReady)
  }
  const notes = async (operator: SandboxOperator, name: string) => {
    const { items } = await operator.client.list(events, { namespace: operator.namespace })
    return items.filter((event) => event.regarding?.name === name).map((event) => `${event.type} ${event.reason}`)
  }

  it('takes a Sandbox to Ready with two writes: its Pod and its status', async () => {
    await using operator = await openSandboxOperator(plane, noInterimStatus)
    await create(operator, sandbox('a', {}, namedPod('a')))
    await appears(operator, 'a')
    await operator.podIs('a', 'Pending')
    await operator.lookedAgain('a')
    await operator.podIs('a', 'Running', { ip })
    await operator.lookedAgain('a')
    await operator.podIs('a', 'Running', { ready: true, ip })
    await expect.poll(() => operator.ready('a')).toBe(isReady)
    await operator.lookedAgain('a')
    expect(operator.writes).toEqual(['POST pods a', 'PATCH sandboxes/status a'])
    expect(operator.becameReady).toEqual(['a'])
    const { status } = (await operator.get(sandboxes, 'a')) as Stored<Sandbox>
    expect(status).toMatchObject({
      selector: `agents.x-k8s.io/sandbox-name-hash=${nameHash('a')}`,
      podIPs: [ip],
      conditions: [
        { type: 'Ready', observedGeneration: 1 },
        { type: 'Suspended', status: 'False', reason: 'NotSuspended', message: 'Sandbox is not suspended' },
        { type: 'PodScheduled', status: 'True', reason: 'PodScheduled' },
      ],
    })
  })

  it('names the Pod with one more write where nobody has', async () => {
    await using operator = await openSandboxOperator(plane, noInterimStatus)
    await create(operator, sandbox('a'))
    await becomesReady(operator, 'a')
    await operator.lookedAgain('a')
    expect(operator.writes).toEqual(['POST pods a', 'PATCH sandboxes a', 'PATCH sandboxes/status a'])
    expect((await operator.get(sandboxes, 'a'))?.metadata.annotations).toMatchObject({ [annotation.podName]: 'a' })
  })

  it('tells of a Pod that takes its time', async () => {
    await using operator = await openSandboxOperator(plane)
    await create(operator, sandbox('a'))
    await expect.poll(() => operator.ready('a')).toBe('False DependenciesNotReady: Pod exists with phase: Pending')
    expect(await operator.condition('a', 'PodScheduled')).toMatchObject({
      status: 'Unknown',
      reason: 'PodSchedulingUnknown',
      message: 'Pod has not reported a PodScheduled condition yet',
    })
    await operator.podIs('a', 'Running')
    await expect.poll(() => operator.ready('a')).toBe('False DependenciesNotReady: Pod is Running but not Ready')
    await operator.podIs('a', 'Running', { ready: true, ip })
    await expect.poll(() => operator.ready('a')).toBe(isReady)
  })

  it('gives Pods without a RuntimeClass the default one', async () => {
    await using operator = await openSandboxOperator(plane, { defaultRuntimeClass: 'isolated' })
    await create(operator, sandbox('a'))
    await expect.poll(() => operator.ready('a')).toMatch(/^False ReconcilerError: Error seen: .*"isolated" not found/)
  })

  it('suspends and resumes with the same Pod name and the same volume claims', async () => {
    await using operator = await openSandboxOperator(plane, noInterimStatus)
    const volumeClaimTemplates = [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ]
    const { podTemplate } = sandbox('a').spec
    // On a node: so that its end takes time.
    const spec = { podTemplate: { spec: { ...podTemplate.spec, nodeName: 'node-1' } }, volumeClaimTemplates }
    await create(operator, sandbox('a', spec, namedPod('a')))
    await becomesReady(operator, 'a')
    const claim = await operator.get(persistentVolumeClaims, 'data-a')
    expect(claim?.metadata.labels).toEqual({ [label.sandboxNameHash]: nameHash('a') })
    const first = await appears(operator, 'a')
    expect(first.spec?.volumes).toContainEqual({ name: 'data', persistentVolumeClaim: { claimName: 'data-a' } })

    await operator.change(sandboxes, 'a', { spec: { operatingMode: 'Suspended' } })
    await expect.poll(() => operator.ready('a')).toBe('False SandboxSuspended: Sandbox is suspending')
    expect(await operator.condition('a', 'Suspended')).toMatchObject({ status: 'False', reason: 'PodTerminating' })
    await operator.endPod('a')
    await expect.poll(() => operator.ready('a')).toBe('False SandboxSuspended: Sandbox is suspended')
    const suspended = await operator.get(sandboxes, 'a')
    expect(await operator.condition('a', 'Suspended')).toMatchObject({ status: 'True', reason: 'PodTerminated' })
    expect(suspended?.metadata.annotations?.[annotation.podName]).toBeUndefined()
    expect(suspended?.status).not.toHaveProperty('podIPs')
    expect(suspended?.status).toHaveProperty('selector')

    await operator.change(sandboxes, 'a', { spec: { operatingMode: 'Running' } })
    await becomesReady(operator, 'a')
    expect((await operator.get(pods, 'a'))?.metadata.uid).not.toBe(first.metadata.uid)
    expect((await operator.get(persistentVolumeClaims, 'data-a'))?.metadata.uid).toBe(claim?.metadata.uid)
  })

  it('ends an expired Sandbox with its Pod', async () => {
    await using operator = await openSandboxOperator(plane)
    await create(operator, sandbox('a', { service: true }))
    await becomesReady(operator, 'a')
    const shutdownTime = wholeSeconds(Date.now() - 1_000)
    await operator.change(sandboxes, 'a', { spec: { shutdownTime, shutdownPolicy: 'Delete' } })
    await expect.poll(() => operator.get(sandboxes, 'a')).toBeUndefined()
    expect(await operator.get(pods, 'a')).toBeUndefined()
    expect(await operator.get(services, 'a')).toBeUndefined()
  })

  it('keeps an expired Sandbox by default, and revives it', async () => {
    await using operator = await openSandboxOperator(plane)
    await create(operator, sandbox('a', { service: true, shutdownTime: wholeSeconds(Date.now() + 3_000) }))
    await becomesReady(operator, 'a')
    await expect.poll(() => operator.ready('a')).toBe('False SandboxExpired: Sandbox has expired')
    await expect.poll(() => operator.get(pods, 'a')).toBeUndefined()
    await expect
      .poll(async () => Object.keys((await operator.get(sandboxes, 'a'))?.status ?? {}))
      .toEqual(['conditions'])
    expect(await operator.get(services, 'a')).toBeUndefined()
    expect(await operator.condition('a', 'PodScheduled')).toBeUndefined()
    expect(await operator.condition('a', 'Suspended')).toMatchObject({ status: 'False' })
    await operator.change(sandboxes, 'a', { spec: { shutdownTime: wholeSeconds(Date.now() + 3_600_000) } })
    await becomesReady(operator, 'a')
  })

  it('makes a deleted Pod anew at once, and leaves one that has ended', async () => {
    await using operator = await openSandboxOperator(plane, noInterimStatus)
    await create(operator, sandbox('a', {}, namedPod('a')))
    await becomesReady(operator, 'a')
    const first = await appears(operator, 'a')
    await operator.endPod('a')
    await expect.poll(async () => (await operator.get(pods, 'a'))?.metadata.uid).not.toBe(first.metadata.uid)
    await becomesReady(operator, 'a')
    const second = await appears(operator, 'a')
    await operator.podIs('a', 'Failed')
    await expect.poll(() => operator.ready('a')).toBe('False PodFailed: Pod failed')
    expect(await operator.condition('a', 'Finished')).toMatchObject({ status: 'True', reason: 'PodFailed' })
    await operator.lookedAgain('a')
    expect((await operator.get(pods, 'a'))?.metadata.uid).toBe(second.metadata.uid)
    expect(operator.writes.filter((write) => write.startsWith('PATCH sandboxes a'))).toEqual([])
  })

  it('makes a Pod anew when the annotated one is gone, and corrects the annotation', async () => {
    await using operator = await openSandboxOperator(plane, noInterimStatus)
    await create(operator, sandbox('a', {}, namedPod('other')))
    await becomesReady(operator, 'a')
    await operator.lookedAgain('a')
    expect(operator.writes).toEqual(['POST pods a', 'PATCH sandboxes a', 'PATCH sandboxes/status a'])
    expect((await operator.get(sandboxes, 'a'))?.metadata.annotations).toMatchObject({ [annotation.podName]: 'a' })
  })

  it('does not touch what is not its own', async () => {
    await using operator = await openSandboxOperator(plane)
    const { client, namespace } = operator
    const at = { namespace, name: 'a' }
    const pod = await client.create(pods, { metadata: at, spec: { containers: [{ name: 'x', image: 'x' }] } })
    const service = await client.create(services, { metadata: at, spec: { clusterIP: 'None', selector: { x: 'y' } } })
    const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
    const owner = {
      metadata: { name: 'data-a', namespace, ownerReferences: [referenceTo('Deployment', 'web')] },
      spec: claimSpec,
    }
    const claim = await client.create(persistentVolumeClaims, owner)
    const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: claimSpec }]
    await create(operator, sandbox('a', { service: true, volumeClaimTemplates }))
    await expect
      .poll(() => operator.ready('a'))
      .toMatch(
        /^False ReconcilerError: Error seen: PersistentVolumeClaim "data-a" is owned by Deployment\/web \(UID: .*\), not by sandbox "a"; cannot adopt unowned Pod "a".*; cannot adopt unowned Service "a"/
      )
    expect(await operator.condition('a', 'PodScheduled')).toMatchObject({
      status: 'Unknown',
      message: 'Pod state is unknown. Pod scheduling cannot be determined',
    })
    await operator.change(sandboxes, 'a', {
      spec: { operatingMode: 'Suspended', volumeClaimTemplates: null, service: null },
    })
    await expect.poll(() => operator.ready('a')).toBe('False SandboxSuspended: Sandbox is suspending')
    expect(await operator.condition('a', 'Suspended')).toMatchObject({
      status: 'False',
      reason: 'PodNotOwned',
      message: 'Refused to delete pod because it is not owned by this sandbox',
    })
    expect(await operator.get(pods, 'a')).toEqual(pod)
    expect(await operator.get(services, 'a')).toEqual(service)
    expect(await operator.get(persistentVolumeClaims, 'data-a')).toEqual(claim)
    expect(operator.writes.filter((write) => /^(PATCH|DELETE) (pods|services|pers)/.test(write))).toEqual([])
  })

  it('adopts what nobody owns and everybody may', async () => {
    await using operator = await openSandboxOperator(plane, noInterimStatus)
    const { client, namespace } = operator
    const adoptable = { namespace, labels: { [label.adoptable]: 'true' } }
    const ownHash = { namespace, labels: { [label.sandboxNameHash]: nameHash('a') } }
    const podSpec = { containers: [{ name: 'x', image: 'x' }] }
    const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
    const pod = await client.create(pods, { metadata: { name: 'mine', ...adoptable }, spec: podSpec })
    const claim = { metadata: { name: 'data-a', ...ownHash }, spec: claimSpec }
    await client.create(persistentVolumeClaims, claim)
    await client.create(services, {
      metadata: { name: 'a', ...adoptable },
      spec: { clusterIP: 'None', selector: { x: 'y' } },
    })
    const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: claimSpec }]
    const made = await create(operator, sandbox('a', { service: true, volumeClaimTemplates }, namedPod('mine')))
    await expect.poll(async () => (await operator.get(pods, 'mine'))?.metadata.ownerReferences).toBeDefined()
    await operator.podIs('mine', 'Running', { ready: true, ip })
    await expect.poll(() => operator.ready('a')).toBe(`${isReady}; Service Exists`)
    const owners = [controllerReference(sandboxes, made)]
    expect(await operator.get(pods, 'mine')).toMatchObject({
      metadata: { uid: pod.metadata.uid, ownerReferences: owners, labels: ownHash.labels },
    })
    expect(await operator.get(persistentVolumeClaims, 'data-a')).toMatchObject({
      metadata: { ownerReferences: owners },
    })
    expect(await operator.get(services, 'a')).toMatchObject({
      metadata: { ownerReferences: owners, labels: ownHash.labels },
      spec: { selector: ownHash.labels, ports: [{ name: 'p-8888-tcp', port: 8888, targetPort: 8888 }] },
    })
    expect(await operator.get(pods, 'a')).toBeUndefined()
  })

  it('refuses to choose between two Pods, and says so once', async () => {
    await using operator = await openSandboxOperator(plane)
    const { client, namespace } = operator
    const made = await create(operator, sandbox('a'))
    await becomesReady(operator, 'a')
    await client.create(pods, {
      metadata: {
        namespace,
        name: 'second',
        labels: { [label.sandboxNameHash]: nameHash('a') },
        ownerReferences: [controllerReference(sandboxes, made)],
      },
      spec: { containers: [{ name: 'x', image: 'x' }] },
    })
    await expect
      .poll(() => operator.ready('a'))
      .toBe('False MultiplePods: multiple Pods (2) are controlled by this Sandbox; refusing to choose or create a Pod')
    const before = [...operator.writes]
    await operator.lookedAgain('a')
    expect(operator.writes).toEqual(before)
    await expect.poll(() => notes(operator, 'a')).toEqual(['Warning MultiplePods'])
    // The one that is left is used, whatever its name.
    await operator.endPod('a')
    await operator.podIs('second', 'Running', { ready: true, ip })
    await expect.poll(() => operator.ready('a')).toBe(isReady)
    await expect
      .poll(async () => (await operator.get(sandboxes, 'a'))?.metadata.annotations)
      .toMatchObject({ [annotation.podName]: 'second' })
    expect(await operator.get(pods, 'a')).toBeUndefined()
  })

  it('keeps a Service, repairs it, and takes it away again', async () => {
    await using operator = await openSandboxOperator(plane)
    await create(operator, sandbox('a', { service: true }))
    await becomesReady(operator, 'a')
    expect(await operator.ready('a')).toBe(`${isReady}; Service Exists`)
    const selector = { [label.sandboxNameHash]: nameHash('a') }
    expect((await operator.get(services, 'a'))?.spec).toMatchObject({ clusterIP: 'None', selector })
    expect((await operator.get(sandboxes, 'a'))?.status).toMatchObject({
      service: 'a',
      serviceFQDN: `a.${operator.namespace}.svc.cluster.local`,
    })
    // Without the label it is out of the cache.
    const broken = { metadata: { labels: { [label.sandboxNameHash]: null } }, spec: { selector: { more: 'x' } } }
    await operator.change(services, 'a', broken)
    await expect.poll(async () => (await operator.get(services, 'a'))?.metadata.labels).toEqual(selector)
    expect((await operator.get(services, 'a'))?.spec?.selector).toEqual(selector)
    await operator.change(sandboxes, 'a', { spec: { service: null } })
    await operator.lookedAgain('a')
    expect(await operator.ready('a')).toBe(`${isReady}; Service Exists`)
    await operator.change(sandboxes, 'a', { spec: { service: false } })
    await expect.poll(() => operator.get(services, 'a')).toBeUndefined()
    await expect.poll(() => operator.ready('a')).toBe(isReady)
    expect((await operator.get(sandboxes, 'a'))?.status).not.toHaveProperty('serviceFQDN')
  })

  it('says that no Service can have the name, and does without', async () => {
    await using operator = await openSandboxOperator(plane)
    await create(operator, sandbox('a.b', { service: true }))
    await becomesReady(operator, 'a.b')
    expect(await operator.ready('a.b')).toBe(`${isReady}; Service does not exist`)
    await expect.poll(() => notes(operator, 'a.b')).toEqual(['Warning ServiceNameInvalid'])
    expect(operator.writes.filter((write) => write.includes('services'))).toEqual([])
  })

  it('narrows the Services of Sandboxes whose names have the same hash', async () => {
    await using operator = await openSandboxOperator(plane)
    const [first, second] = colliding
    expect(nameHash(first)).toBe(nameHash(second))
    const one = await create(operator, sandbox(first, { service: true }))
    await becomesReady(operator, first)
    expect((await operator.get(services, first))?.spec?.selector).toEqual({ [label.sandboxNameHash]: nameHash(first) })
    const other = await create(operator, sandbox(second, { service: true }))
    await becomesReady(operator, second)
    await becomesReady(operator, first)
    for (const { metadata } of [one, other]) {
      const unique = { [label.sandboxNameHash]: nameHash(first), 'bulkhead.dev/sandbox-uid': metadata.uid }
      expect((await operator.get(services, metadata.name))?.spec?.selector).toEqual(unique)
      expect((await operator.get(pods, metadata.name))?.metadata.labels).toMatchObject(unique)
      await expect.poll(() => notes(operator, metadata.name)).toEqual(['Warning NameHashCollision'])
    }
    const { writes } = operator
    expect(writes).toContain(`PATCH services ${first}`)
    expect(writes.indexOf(`PATCH services ${first}`)).toBeLessThan(writes.indexOf(`POST pods ${second}`))
  })

  it('brings a Pod in line with an adopted Sandbox in one write, and its status in another', async () => {
    await using operator = await openSandboxOperator(plane, noInterimStatus)
    const ref = { [label.sandboxTemplateRefHash]: nameHash('python') }
    const spec = sandbox('a').spec
    const podTemplate = {
      ...spec.podTemplate,
      metadata: { labels: { tier: 'warm', team: 'x' }, annotations: { [annotation.safeToEvict]: 'true' } },
    }
    const pooled = {
      labels: { ...ref, [label.warmPoolSandbox]: nameHash('pool'), [label.createdBy]: 'controller' },
      annotations: namedPod('a').annotations,
      ownerReferences: [
        { ...referenceTo('SandboxWarmPool', 'pool'), apiVersion: 'extensions.agents.x-k8s.io/v1beta1' },
      ],
    }
    await create(operator, sandbox('a', { podTemplate }, pooled))
    await becomesReady(operator, 'a')
    const uid = (await operator.get(sandboxes, 'a'))?.metadata.uid
    expect((await operator.get(pods, 'a'))?.metadata).toMatchObject({
      labels: { tier: 'warm', team: 'x', ...ref, [label.warmPoolSandbox]: nameHash('pool') },
      annotations: {
        [annotation.propagatedLabels]: 'team,tier',
        [annotation.propagatedAnnotations]: annotation.safeToEvict,
      },
    })
    const before = operator.writes.length
    await operator.change(sandboxes, 'a', {
      metadata: {
        labels: { [label.warmPoolSandbox]: null, [label.createdBy]: 'go-client', [label.claimUid]: 'claim-1' },
        ownerReferences: [{ ...referenceTo('SandboxClaim', 'c'), apiVersion: 'extensions.agents.x-k8s.io/v1beta1' }],
      },
      spec: {
        podTemplate: {
          metadata: { labels: { tier: null, user: 'u', [label.claimUid]: 'claim-1' }, annotations: null },
        },
      },
    })
    await expect.poll(async () => (await operator.condition('a', 'Ready'))?.observedGeneration).toBe(2)
    await operator.lookedAgain('a')
    expect(operator.writes.slice(before)).toEqual(['PATCH pods a', 'PATCH sandboxes/status a'])
    const { labels, annotations } = (await appears(operator, 'a')).metadata
    expect(labels).toEqual({
      team: 'x',
      user: 'u',
      ...ref,
      [label.sandboxNameHash]: nameHash('a'),
      [label.createdBy]: 'go-client',
      [label.claimUid]: 'claim-1',
      'bulkhead.dev/sandbox-uid': uid,
    })
    expect(annotations).toEqual({ [annotation.propagatedLabels]: 'team,user', 'test/look': expect.anything() })
  })

  it('finds its Pod again when its labels were taken away', async () => {
    await using operator = await openSandboxOperator(plane)
    await create(operator, sandbox('a'))
    await becomesReady(operator, 'a')
    const { metadata } = await appears(operator, 'a')
    await operator.change(pods, 'a', { metadata: { labels: null } })
    await expect.poll(async () => (await operator.get(pods, 'a'))?.metadata.labels).toEqual(metadata.labels)
    expect((await operator.get(pods, 'a'))?.metadata.uid).toBe(metadata.uid)
    await expect.poll(() => operator.ready('a')).toBe(isReady)
  })

  it('says what is wrong with a Sandbox that was written past the schema', async () => {
    await using operator = await openSandboxOperator(plane)
    await create(operator, { metadata: { name: 'a' } } as Sandbox)
    await expect.poll(() => operator.ready('a')).toMatch(/^False ReconcilerError: Error seen: spec is missing/)
    await operator.change(sandboxes, 'a', { spec: { ...sandbox('a').spec, shutdownTime: 'soon' } })
    await expect.poll(() => operator.ready('a')).toMatch(/^False ReconcilerError: Error seen: spec.shutdownTime/)
    await operator.change(sandboxes, 'a', { spec: { shutdownTime: null } })
    await becomesReady(operator, 'a')
  })

  it('does not show a hiccup of the API server', async () => {
    await using operator = await openSandboxOperator(plane, noInterimStatus)
    let hiccups = 2
    operator.meddle = (write) => (write === 'POST pods a' && hiccups-- > 0 ? 'refused' : undefined)
    await create(operator, sandbox('a', {}, namedPod('a')))
    await becomesReady(operator, 'a')
    const pod = 'POST pods a'
    expect(operator.writes).toEqual([pod, pod, pod, 'PATCH sandboxes/status a'])
  })

  it('shows trouble that stays, until it is over', async () => {
    await using operator = await openSandboxOperator(plane)
    operator.meddle = (write) => (write === 'POST pods a' ? 'refused' : undefined)
    await create(operator, sandbox('a'))
    await expect.poll(() => operator.ready('a')).toMatch(/^False ReconcilerError: Error seen: POST pods a: 503/)
    operator.meddle = () => undefined
    await becomesReady(operator, 'a')
  })

  it('uses the Pod it has made without hearing so', async () => {
    await using operator = await openSandboxOperator(plane, noInterimStatus)
    let cuts = 1
    operator.meddle = (write) => (write === 'POST pods a' && cuts-- > 0 ? 'unanswered' : undefined)
    await create(operator, sandbox('a', {}, namedPod('a')))
    await becomesReady(operator, 'a')
    const { items } = await operator.client.list(pods, { namespace: operator.namespace })
    expect(items).toHaveLength(1)
  })

  it('does not write its status over a newer one', async () => {
    await using operator = await openSandboxOperator(plane, noInterimStatus)
    const { client, namespace } = operator
    const theirs = {
      type: 'Theirs',
      status: 'True',
      reason: 'R',
      message: 'm',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }
    let meddled = false
    operator.meddle = async (write) => {
      if (write !== 'PATCH sandboxes/status a' || meddled) return undefined
      meddled = true
      const patch = mergePatch({ status: { conditions: [theirs] } })
      await client.patch(sandboxes, { namespace, name: 'a' }, patch, { subresource: 'status' })
      return undefined
    }
    await create(operator, sandbox('a', {}, namedPod('a')))
    await becomesReady(operator, 'a')
    expect((await operator.get(sandboxes, 'a'))?.status?.conditions).toContainEqual(theirs)
  })

  it('repairs a status that cannot be read', async () => {
    await using operator = await openSandboxOperator(plane)
    const { client, namespace } = operator
    await create(operator, sandbox('a'))
    await becomesReady(operator, 'a')
    const broken = mergePatch({ status: { conditions: { type: 'Ready' }, podIPs: 'none' } })
    await client.patch(sandboxes, { namespace, name: 'a' }, broken, { subresource: 'status' })
    await expect.poll(async () => (await operator.get(sandboxes, 'a'))?.status?.podIPs).toEqual([ip])
    expect(await operator.ready('a')).toBe(isReady)
  })
})
