import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sandboxClaims, sandboxes, sandboxTemplates, sandboxWarmPools } from '../src/api/index.ts'
import { type ApiClient, type ApiError, mergePatch } from '../src/controller/index.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { installKinds } from './support/install-kinds.ts'

const podTemplate = { spec: { containers: [{ name: 'main', image: 'busybox', ports: [{ containerPort: 80 }] }] } }
const claimTemplate = (name: string, storage = '1Gi') => ({
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
})
const named = (name: string, spec: object): never => ({ metadata: { namespace: 'default', name }, spec }) as never

describe.skipIf(skipped())('the kinds in a real API server', () => {
  let plane: ControlPlane
  let client: ApiClient
  const undo = new AsyncDisposableStack()

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    client = undo.use(await plane.client({ defaults: { fieldManager: 'test' } })).client
    await installKinds(client)
  })
  afterAll(() => undo.disposeAsync())

  it('fills in defaults', async () => {
    const sandbox = await client.create(sandboxes, named('defaults', { podTemplate }))
    expect(sandbox.spec).toEqual({
      podTemplate: {
        spec: { containers: [{ name: 'main', image: 'busybox', ports: [{ containerPort: 80, protocol: 'TCP' }] }] },
      },
      operatingMode: 'Running',
      shutdownPolicy: 'Retain',
    })
    const template = await client.create(sandboxTemplates, named('defaults', { podTemplate }))
    expect(template.spec).toMatchObject({
      networkPolicyManagement: 'Managed',
      envVarsInjectionPolicy: 'Disallowed',
      volumeClaimTemplatesPolicy: 'Disallowed',
    })
    const pool = await client.create(
      sandboxWarmPools,
      named('defaults', { sandboxTemplateRef: { name: 'defaults' }, updateStrategy: {} })
    )
    expect(pool.spec).toEqual({
      replicas: 1,
      sandboxTemplateRef: { name: 'defaults' },
      updateStrategy: { type: 'OnReplenish' },
    })
    const claim = await client.create(
      sandboxClaims,
      named('defaults', { warmPoolRef: { name: 'defaults' }, lifecycle: {} })
    )
    expect(claim.spec).toEqual({ warmPoolRef: { name: 'defaults' }, lifecycle: { shutdownPolicy: 'Retain' } })
  })

  const claim = { warmPoolRef: { name: 'p' } }
  const pool = { sandboxTemplateRef: { name: 't' } }
  it.each([
    ['a Sandbox without podTemplate', sandboxes, {}, 'spec.podTemplate: Required value'],
    [
      'a Pod without containers',
      sandboxes,
      { podTemplate: { spec: {} } },
      'spec.podTemplate.spec.containers: Required',
    ],
    ['another operating mode', sandboxes, { podTemplate, operatingMode: 'Paused' }, '"Running", "Suspended"'],
    ['another shutdown policy', sandboxes, { podTemplate, shutdownPolicy: 'DeleteForeground' }, '"Delete", "Retain"'],
    ['a time that is none', sandboxes, { podTemplate, shutdownTime: 'tomorrow' }, 'spec.shutdownTime'],
    ['other management', sandboxTemplates, { podTemplate, networkPolicyManagement: 'None' }, '"Managed", "Unmanaged"'],
    [
      'another policy',
      sandboxTemplates,
      { podTemplate, envVarsInjectionPolicy: 'All' },
      '"Disallowed", "Allowed", "Over',
    ],
    ['a claim without pool', sandboxClaims, {}, 'spec.warmPoolRef: Required value'],
    ['a claim that names no pool', sandboxClaims, { warmPoolRef: {} }, 'spec.warmPoolRef.name: Required value'],
    [
      'a variable without value',
      sandboxClaims,
      { ...claim, env: [{ name: 'A' }] },
      'spec.env[0].value: Required value',
    ],
    [
      'a negative time to live',
      sandboxClaims,
      { ...claim, lifecycle: { ttlSecondsAfterFinished: -1 } },
      'than or equal to 0',
    ],
    ['a pool without template', sandboxWarmPools, {}, 'spec.sandboxTemplateRef: Required value'],
    ['fewer than no members', sandboxWarmPools, { ...pool, replicas: -1 }, 'greater than or equal to 0'],
    [
      'another strategy',
      sandboxWarmPools,
      { ...pool, updateStrategy: { type: 'Rolling' } },
      '"OnReplenish", "Recreate"',
    ],
  ] as const)('refuses %s', async (_, type, spec, message) => {
    const error: ApiError = await client.create(type as never, named('refused', spec)).then(
      () => expect.fail('was accepted'),
      (refused) => refused
    )
    expect(error.message).toContain(message)
  })

  describe.each([
    ['a Sandbox', sandboxes],
    ['a SandboxTemplate', sandboxTemplates],
  ] as const)('of %s', (_, type) => {
    const kept = [claimTemplate('data')]
    it.each([
      ['with-claims', kept, [claimTemplate('data', '2Gi')]],
      ['without-claims', undefined, kept],
      ['losing-claims', kept, null],
      ['emptied-claims', kept, []],
    ])('the volume claims never change: %s', async (name, before, after) => {
      const made = await client.create(
        type as typeof sandboxes,
        named(name, { podTemplate, volumeClaimTemplates: before })
      )
      const change = (spec: object) => client.patch(type as typeof sandboxes, made.metadata, mergePatch({ spec }))
      await change({ service: true })
      await expect(change({ volumeClaimTemplates: after })).rejects.toThrow(': volumeClaimTemplates is immutable')
    })
  })

  it('lets claims change', async () => {
    const made = await client.create(sandboxClaims, named('changing', { ...claim, env: [{ name: 'A', value: '' }] }))
    const spec = { warmPoolRef: { name: 'q' }, env: null, volumeClaimTemplates: [claimTemplate('data')] }
    await client.patch(sandboxClaims, made.metadata, mergePatch({ spec }))
  })

  it('drops what no field is named for', async () => {
    const spec = {
      podTemplate: { metadata: { labels: { a: 'b' }, name: 'n' }, spec: { ...podTemplate.spec, kernel: 'x' } },
    }
    const made = await client.create(sandboxes, named('pruned', spec))
    expect(made.spec.podTemplate.metadata).toEqual({ labels: { a: 'b' } })
    expect(made.spec.podTemplate.spec).not.toHaveProperty('kernel')
  })

  it('keeps what was seen apart from what is wanted', async () => {
    const made = await client.create(sandboxes, named('seen', { podTemplate }))
    const kernel = {
      class: 'userspace',
      runtime: 'runsc',
      bootID: 'b',
      release: 'r',
      verdict: 'isolated',
      checkedAt: 't',
    }
    const status = { nodeName: 'n', podIPs: ['10.0.0.1'], service: 's', serviceFQDN: 's.d', selector: 'a=b', kernel }
    await client.patch(sandboxes, made.metadata, mergePatch({ status }))
    expect(await client.get(sandboxes, made.metadata)).not.toHaveProperty('status')
    const written = await client.patch(sandboxes, made.metadata, mergePatch({ status }), { subresource: 'status' })
    expect(written.status).toEqual(status)
    expect(written.metadata.generation).toBe(1)
  })

  it('lets a pool be scaled', async () => {
    const made = await client.create(sandboxWarmPools, named('scaled', pool))
    await client.patch(sandboxWarmPools, made.metadata, mergePatch({ spec: { replicas: 3 } }), { subresource: 'scale' })
    expect((await client.get(sandboxWarmPools, made.metadata)).spec.replicas).toBe(3)
  })
})
