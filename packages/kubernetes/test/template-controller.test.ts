import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { label, nameHash, type Sandbox, type SandboxTemplate, sandboxes, sandboxTemplates } from '../src/api/index.ts'
import {
  type ApiClient,
  controllerReference,
  events,
  isNotFound,
  mergePatch,
  type NetworkPolicy,
  namespaces,
  networkPolicies,
  type Pod,
  pods,
  type ResourceType,
  type Stored,
} from '../src/controller/index.ts'
import { templateController } from '../src/template/template-controller.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { lacksControllerManager, startGarbageCollector } from './support/controller-manager.ts'
import { collectGarbage } from './support/garbage-collector.ts'
import { installLooseKinds } from './support/loose-kinds.ts'
import { type RunningOperator, startOperator } from './support/running-operator.ts'

describe.skipIf(skipped())('the template controller over a real API server', () => {
  let plane: ControlPlane
  let client: ApiClient
  let namespace: string
  let count = 0
  const undo = new AsyncDisposableStack()

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    client = undo.use(await plane.client()).client
    await installLooseKinds(client)
  })
  afterAll(() => undo.disposeAsync())
  beforeEach(async () => {
    namespace = `t${++count}`
    await client.create(namespaces, { metadata: { name: namespace } })
  })

  const start = (...flags: string[]): RunningOperator =>
    startOperator(plane, ['--extensions', ...flags], { core: [], extensions: [templateController] })

  const named = (name: string) => ({ namespace, name })
  const makeTemplate = (name: string, spec: Partial<SandboxTemplate['spec']> = {}) =>
    client.create<SandboxTemplate>(sandboxTemplates, {
      metadata: named(name),
      spec: { podTemplate: { spec: { containers: [] } }, ...spec },
    })
  const policyOf = (template: string): Promise<Stored<NetworkPolicy> | undefined> =>
    client.get(networkPolicies, named(`${template}-network-policy`)).catch((error) => {
      if (!isNotFound(error)) throw error
      return undefined
    })
  const policyOnceThere = async (template: string): Promise<Stored<NetworkPolicy>> => {
    await expect.poll(() => policyOf(template)).toBeDefined()
    return (await policyOf(template)) as Stored<NetworkPolicy>
  }
  const owners = async (template: string): Promise<string[]> => {
    const references = (await policyOf(template))?.metadata.ownerReferences ?? []
    return references.map(({ kind, name, controller }) => `${kind}/${name}${controller ? ' controls' : ''}`).sort()
  }
  /** As a pool or a claim, and then the Sandbox controller, would make them. */
  const makeSandbox = async (name: string, template: string): Promise<Stored<Sandbox>> => {
    const hash = { [label.sandboxTemplateRefHash]: nameHash(template) }
    const sandbox = await client.create<Sandbox>(sandboxes, {
      metadata: {
        ...named(name),
        labels: hash,
        annotations: { 'agents.x-k8s.io/sandbox-template-ref': template },
      },
      spec: { podTemplate: { spec: { containers: [] } } },
    })
    await client.create<Pod>(pods, {
      metadata: {
        ...named(name),
        labels: { ...hash, [label.sandboxNameHash]: nameHash(name) },
        ownerReferences: [controllerReference(sandboxes, sandbox)],
      },
      spec: { containers: [{ name: 'main', image: 'none' }], terminationGracePeriodSeconds: 0 },
    })
    return sandbox
  }
  const remove = (type: ResourceType<Sandbox> | ResourceType<SandboxTemplate>, name: string) =>
    client.delete(type as ResourceType, named(name))
  const collect = (options?: { readonly policies: boolean }) => collectGarbage(client, namespace, options)
  /** What was caused before this has been worked on, as far as it comes the same way. */
  const settled = async () => {
    const marker = `marker-${++count}`
    await makeTemplate(marker)
    await policyOnceThere(marker)
  }

  it('gives a template its label, and its Pods the default rules', async () => {
    await using _operator = start('--router-namespace=routers')
    const template = await makeTemplate('plain')
    const policy = await policyOnceThere('plain')
    expect(policy.metadata.ownerReferences).toEqual([controllerReference(sandboxTemplates, template)])
    expect(policy.spec).toEqual({
      podSelector: { matchLabels: { 'agents.x-k8s.io/sandbox-template-ref-hash': nameHash('plain') } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'routers' } },
              podSelector: { matchLabels: { app: 'sandbox-router' } },
            },
          ],
        },
      ],
      egress: [
        {
          to: [
            {
              ipBlock: {
                cidr: '0.0.0.0/0',
                except: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16'],
              },
            },
            { ipBlock: { cidr: '::/0', except: ['fc00::/7', 'fe80::/10'] } },
          ],
        },
      ],
    })
    await expect
      .poll(async () => (await client.get(sandboxTemplates, named('plain'))).metadata.labels)
      .toMatchObject({ 'agents.x-k8s.io/sandbox-template-ref-hash': nameHash('plain') })
  })

  it('follows edits, repairs drift and deletion, and writes nothing else', async () => {
    await using _operator = start()
    await makeTemplate('edited', { networkPolicy: { egress: [{ ports: [{ port: 53 }] }] } })
    const first = await policyOnceThere('edited')
    expect(first.spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'], egress: [{ ports: [{ port: 53 }] }] })
    expect(first.spec?.ingress).toBeUndefined()

    // Nothing to do with the policy; and the protocol that the API server filled in is not drift.
    const touch = mergePatch({ metadata: { annotations: { touched: 'yes' } } })
    await client.patch(sandboxTemplates, named('edited'), touch)
    await settled()
    expect((await policyOf('edited'))?.metadata.resourceVersion).toBe(first.metadata.resourceVersion)

    const edit = mergePatch({ spec: { networkPolicy: { ingress: [{}], egress: null } } })
    await client.patch(sandboxTemplates, named('edited'), edit)
    await expect.poll(async () => (await policyOf('edited'))?.spec?.ingress).toEqual([{}])
    expect((await policyOf('edited'))?.spec?.egress).toBeUndefined()

    await client.patch(networkPolicies, first.metadata, mergePatch({ spec: { ingress: null, egress: [{}] } }))
    await expect.poll(async () => (await policyOf('edited'))?.spec?.ingress).toEqual([{}])
    expect((await policyOf('edited'))?.spec?.egress).toBeUndefined()

    await client.delete(networkPolicies, first.metadata)
    await expect.poll(async () => (await policyOf('edited'))?.spec?.ingress).toEqual([{}])
    expect((await policyOf('edited'))?.metadata.uid).not.toBe(first.metadata.uid)
  })

  it('removes its policy from a template that is managed no more, and makes it again', async () => {
    await using _operator = start()
    await makeTemplate('switched')
    await policyOnceThere('switched')
    const manage = (networkPolicyManagement: string) =>
      client.patch(sandboxTemplates, named('switched'), mergePatch({ spec: { networkPolicyManagement } }))
    await manage('Unmanaged')
    await expect.poll(() => policyOf('switched')).toBeUndefined()
    await manage('Managed')
    await policyOnceThere('switched')
  })

  it('leaves somebody else’s policy alone, and says so', async () => {
    const theirs: NetworkPolicy = { metadata: named('taken-network-policy'), spec: { podSelector: {} } }
    const before = await client.create(networkPolicies, theirs)
    await using _operator = start()
    const template = await makeTemplate('taken')
    const told = async () => (await client.list(events, { namespace })).items
    await expect.poll(told).toHaveLength(1)
    expect((await told())[0]).toMatchObject({
      reason: 'NetworkPolicyNotOwned',
      type: 'Warning',
      reportingController: 'sandboxtemplate-controller',
      regarding: { kind: 'SandboxTemplate', name: 'taken', uid: template.metadata.uid },
    })
    await client.patch(sandboxTemplates, named('taken'), mergePatch({ spec: { networkPolicyManagement: 'Unmanaged' } }))
    await settled()
    expect((await policyOf('taken'))?.metadata.resourceVersion).toBe(before.metadata.resourceVersion)
    await client.delete(networkPolicies, before.metadata)
    await client.patch(sandboxTemplates, named('taken'), mergePatch({ spec: { networkPolicyManagement: 'Managed' } }))
    await policyOnceThere('taken')
  })

  it('says what the API server does not accept, and tries again when the template changes', async () => {
    await using _operator = start()
    await makeTemplate('wrong', { networkPolicy: { egress: [{ to: [{ ipBlock: { cidr: 'nowhere' } }] }] } })
    await expect
      .poll(async () => (await client.list(events, { namespace })).items.map(({ reason }) => reason))
      .toEqual(['NetworkPolicyRefused'])
    await client.patch(sandboxTemplates, named('wrong'), mergePatch({ spec: { networkPolicy: { egress: [] } } }))
    await policyOnceThere('wrong')
  })

  it('says what of a template cannot be read, once, and leaves its policy as it is until the template changes', async () => {
    await using _operator = start()
    await makeTemplate('odd')
    const before = await policyOnceThere('odd')
    const edit = (patch: object) => client.patch(sandboxTemplates, named('odd'), mergePatch(patch))
    await edit({ spec: { networkPolicy: { ingress: 'all' } } })
    const told = async () =>
      (await client.list(events, { namespace })).items.map(({ reason, note, series }) => [reason, note, series])
    const once = [['InvalidSpec', 'spec.networkPolicy.ingress is not a list: "all"', undefined]]
    await expect.poll(told).toEqual(once)
    await edit({ metadata: { labels: { touched: 'yes' } } })
    await settled()
    expect(await told()).toEqual(once)
    expect((await policyOf('odd'))?.metadata.resourceVersion).toBe(before.metadata.resourceVersion)
    await edit({ spec: { networkPolicy: { ingress: [] } } })
    await expect.poll(async () => (await policyOf('odd'))?.spec?.ingress).toBeUndefined()
  })

  it('keeps the policy of a deleted template until the last of its Sandboxes and Pods is gone', async () => {
    await using _operator = start()
    await makeTemplate('kept')
    const { metadata } = await policyOnceThere('kept')
    for (const name of ['a', 'b', 'c', 'd', 'e']) await makeSandbox(name, 'kept')
    await expect
      .poll(async () => (await owners('kept')).filter((owner) => owner.startsWith('Pod/')).length)
      .toBeGreaterThan(1)
    expect(await owners('kept')).toContain('SandboxTemplate/kept controls')

    await remove(sandboxTemplates, 'kept')
    // As soon as it likes: others than the template own the policy.
    await collect()
    expect((await policyOf('kept'))?.metadata.uid).toBe(metadata.uid)
    const all = ['a', 'b', 'c', 'd', 'e'].flatMap((name) => [`Pod/${name}`, `Sandbox/${name}`]).sort()
    await expect.poll(() => owners('kept')).toEqual(all)

    for (const name of ['a', 'b', 'c', 'd']) await remove(sandboxes, name)
    await collect()
    expect(await owners('kept')).toEqual(['Pod/e', 'Sandbox/e'])
    expect((await policyOf('kept'))?.metadata.uid).toBe(metadata.uid)

    // Its Pod is asked to end, and has not yet.
    await remove(sandboxes, 'e')
    await collect({ policies: true })
    expect(await owners('kept')).toEqual(['Pod/e'])
    await collect()
    expect(await policyOf('kept')).toBeUndefined()
    await settled()
    expect(await policyOf('kept')).toBeUndefined()
  })

  it('makes the policy anew, with its rules, when it went with its template after all', async () => {
    await using _operator = start()
    await makeTemplate('lost', { networkPolicy: { ingress: [{}] } })
    await policyOnceThere('lost')
    await makeSandbox('survivor', 'lost')
    await expect.poll(() => owners('lost')).toContain('Sandbox/survivor')
    await remove(sandboxTemplates, 'lost')
    const { metadata } = await policyOnceThere('lost')
    await client.delete(networkPolicies, metadata)
    await expect.poll(() => owners('lost')).toEqual(['Pod/survivor', 'Sandbox/survivor'])
    const again = await policyOnceThere('lost')
    expect(again.metadata.uid).not.toBe(metadata.uid)
    expect(again.spec).toMatchObject({ ingress: [{}], policyTypes: ['Ingress', 'Egress'] })
  })

  it('takes up where a template was deleted while nobody watched, and gives the policy back to one of its name', async () => {
    {
      await using _operator = start()
      await makeTemplate('unseen')
      await policyOnceThere('unseen')
      await makeSandbox('one', 'unseen')
      await makeSandbox('two', 'unseen')
      await expect.poll(() => owners('unseen')).toHaveLength(5)
    }
    await makeSandbox('three', 'unseen')
    await remove(sandboxTemplates, 'unseen')
    await collect()
    const held = await policyOnceThere('unseen')
    await using _operator = start()
    await expect.poll(() => owners('unseen')).toHaveLength(6)
    const template = await makeTemplate('unseen', { networkPolicy: { egress: [{}] } })
    await expect.poll(() => owners('unseen')).toContain('SandboxTemplate/unseen controls')
    const { metadata, spec } = await policyOnceThere('unseen')
    expect(metadata.uid).toBe(held.metadata.uid)
    expect(metadata.ownerReferences).toContainEqual(controllerReference(sandboxTemplates, template))
    expect(spec?.egress).toEqual([{}])
  })

  it('replaces Sandboxes that ended among the owners, and writes nothing for the others', async () => {
    await using _operator = start()
    await makeTemplate('rotating')
    await policyOnceThere('rotating')
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await makeSandbox(name, 'rotating')
    const holding = async () =>
      (await owners('rotating')).flatMap((owner) => (owner.startsWith('Sandbox/') ? [owner.slice(8)] : []))
    await expect.poll(async () => (await holding()).length).toBeGreaterThanOrEqual(2)
    await settled()
    const before = await holding()
    const version = (await policyOf('rotating'))?.metadata.resourceVersion
    const others = ['a', 'b', 'c', 'd', 'e', 'f'].filter((name) => !before.includes(name))
    await remove(sandboxes, others[0] as string)
    await makeSandbox('g', 'rotating')
    await settled()
    expect((await policyOf('rotating'))?.metadata.resourceVersion).toBe(version)
    for (const name of before) await remove(sandboxes, name)
    const joined = async () => (await holding()).filter((name) => !before.includes(name))
    await expect.poll(async () => (await joined()).length).toBeGreaterThanOrEqual(2)
  })

  it('loses the template among its owners when that is deleted in the foreground', async () => {
    await using _operator = start()
    await makeTemplate('foreground')
    const { metadata } = await policyOnceThere('foreground')
    await makeSandbox('a', 'foreground')
    await expect.poll(() => owners('foreground')).toContain('Sandbox/a')
    await client.delete(sandboxTemplates, named('foreground'), { propagationPolicy: 'Foreground' })
    await expect.poll(() => owners('foreground')).toEqual(['Pod/a', 'Sandbox/a'])
    expect((await policyOf('foreground'))?.metadata.uid).toBe(metadata.uid)
  })

  it.skipIf(lacksControllerManager())(
    'keeps it under Kubernetes’ own garbage collector, with no moment in between',
    async () => {
      await using _collector = await startGarbageCollector(plane)
      await using _operator = start()
      for (const propagationPolicy of ['Background', 'Foreground', 'Orphan'] as const) {
        const template = `kept-${propagationPolicy.toLowerCase()}`
        const sandboxesOf = ['a', 'b', 'c', 'd', 'e'].map((name) => `${template}-${name}`)
        await makeTemplate(template)
        const { metadata } = await policyOnceThere(template)
        for (const name of sandboxesOf) await makeSandbox(name, template)
        await expect
          .poll(async () => (await owners(template)).filter((owner) => owner.startsWith('Pod/')).length)
          .toBeGreaterThan(1)
        // What happens to the policy from here on is what the API server tells of it.
        const watching = new AbortController()
        const watch = await client.watch(networkPolicies, {
          signal: watching.signal,
          namespace,
          fieldSelector: `metadata.name=${metadata.name}`,
          resourceVersion: (await policyOf(template))?.metadata.resourceVersion,
        })
        await client.delete(sandboxTemplates, named(template), { propagationPolicy })
        const all = sandboxesOf.flatMap((name) => [`Pod/${name}`, `Sandbox/${name}`]).sort()
        await expect.poll(() => owners(template)).toEqual(all)
        await expect
          .poll(async () =>
            client.get(sandboxTemplates, named(template)).then(
              () => 'there',
              () => 'gone'
            )
          )
          .toBe('gone')
        for (const name of sandboxesOf.slice(1)) await client.delete(sandboxes, named(name))
        await expect.poll(() => owners(template)).toEqual([`Pod/${sandboxesOf[0]}`, `Sandbox/${sandboxesOf[0]}`])
        await client.delete(sandboxes, named(sandboxesOf[0] as string), { propagationPolicy: 'Foreground' })
        await expect.poll(() => policyOf(template)).toBeUndefined()
        const told: string[] = []
        for await (const event of watch) {
          told.push(event.type === 'BOOKMARK' ? 'BOOKMARK' : `${event.type} ${event.object.metadata.uid}`)
          if (event.type === 'DELETED') break
        }
        watching.abort()
        expect(told.at(-1)).toBe(`DELETED ${metadata.uid}`)
        expect(new Set(told.slice(0, -1))).toEqual(new Set([`MODIFIED ${metadata.uid}`]))
      }
      await settled()
      expect((await client.list(networkPolicies, { namespace })).items.map(({ metadata }) => metadata.name)).toEqual([
        expect.stringMatching(/^marker-/),
      ])
    }
  )
})
