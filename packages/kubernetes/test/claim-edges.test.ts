import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { annotation, sandboxClaims, sandboxes, sandboxTemplates, sandboxWarmPools } from '../src/api/index.ts'
import { type ApiClient, ApiError, controllerOf, mergePatch } from '../src/controller/index.ts'
import { type ClaimOperator, type ClaimOperatorOptions, startClaimOperator } from './support/claim-operator.ts'
import { type ClaimWorld, openClaimWorld } from './support/claim-world.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { installLooseKinds } from './support/loose-kinds.ts'

const env = [{ name: 'A', value: '1' }]

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

  it('do not get around what is refused by an assignment that somebody wrote into them', async () => {
    const world = await openClaimWorld(client)
    await world.template()
    const pool = await world.pool()
    await world.member(pool, 'm')
    const operator = await start(world)
    await operator.idle()
    const additionalPodMetadata = { labels: { app: 'sandbox-router' } }
    await world.claim('c', { additionalPodMetadata }, { annotations: { [annotation.sandboxName]: 'm' } })
    await world.untilReason('c', 'InvalidMetadata')
    await operator.idle()
    const member = await world.readSandbox('m')
    expect(controllerOf(member)?.kind).toBe('SandboxWarmPool')
    expect(member.spec.podTemplate.metadata?.labels).toEqual({ team: 'a' })
  })

  it('that stop waiting for a member, having got a Sandbox elsewhere, keep no place in the line', async () => {
    const world = await openClaimWorld(client)
    await world.template({ envVarsInjectionPolicy: 'Allowed' })
    const pool = await world.pool()
    await world.member(pool, 'm', 'pending')
    const operator = await start(world)
    await operator.idle()
    await world.claim('first')
    await operator.idle()
    await world.patchClaim('first', { spec: { env } })
    expect((await world.untilReason('first', 'SandboxNotReady')).status?.sandbox?.name).toBe('first')
    await world.setState('m', 'ready')
    await operator.idle()
    await world.claim('second')
    await expect
      .poll(async () => (await world.readClaim('second')).status?.sandbox?.name, { timeout: 10_000 })
      .toBe('m')
  })

  it('that have lost their Sandbox and still name it hear of their pool', async () => {
    const world = await openClaimWorld(client)
    await world.template({ envVarsInjectionPolicy: 'Allowed' })
    await world.template({ envVarsInjectionPolicy: 'Allowed' }, 'other')
    await world.pool()
    const operator = await start(world)
    await world.claim('c', { env })
    await world.untilReason('c', 'SandboxNotReady')
    await client.patch(
      sandboxTemplates,
      world.named('template'),
      mergePatch({ spec: { envVarsInjectionPolicy: 'Disallowed' } })
    )
    await operator.idle()
    await client.delete(sandboxes, world.named('c'))
    await world.untilReason('c', 'EnvVarsInjectionRejected')
    await operator.idle()
    const sandboxTemplateRef = { name: 'other' }
    await client.patch(sandboxWarmPools, world.named('pool'), mergePatch({ spec: { sandboxTemplateRef } }))
    await world.untilReason('c', 'SandboxNotReady')
  })

  it('hear of the template their Sandbox was made from, also when their pool has another', async () => {
    const world = await openClaimWorld(client)
    await world.template()
    await world.template({}, 'other')
    const pool = await world.pool()
    await world.member(pool, 'm')
    const operator = await start(world)
    await operator.idle()
    await world.claim('c')
    await world.untilReason('c', 'DependenciesReady')
    const sandboxTemplateRef = { name: 'other' }
    await client.patch(sandboxWarmPools, world.named('pool'), mergePatch({ spec: { sandboxTemplateRef } }))
    const wanted = { annotations: { note: 'other' } }
    await world.patchClaim('c', { spec: { additionalPodMetadata: wanted } })
    await world.untilReason('c', 'ReconcilerError')
    await operator.idle()
    const spec = { podTemplate: { metadata: wanted } }
    await client.patch(sandboxTemplates, world.named('template'), mergePatch({ spec }))
    await world.untilReason('c', 'DependenciesReady')
  })

  it('that have none do not name a Sandbox that is not theirs', async () => {
    const world = await openClaimWorld(client)
    const pool = await world.pool()
    await world.member(pool, 'm')
    const operator = await start(world)
    await world.claim('c', { warmPoolRef: { name: 'none' } })
    await world.untilReason('c', 'WarmPoolNotFound')
    await client.patch(
      sandboxClaims,
      world.named('c'),
      mergePatch({ status: { sandbox: { name: 'm', podIPs: ['10.0.0.1'] } } }),
      { subresource: 'status' }
    )
    await operator.idle()
    expect((await world.readClaim('c')).status?.sandbox).toBeUndefined()
  })

  it('are told once the API server serves their kind again: its 404 meanwhile is not the claim’s end', async () => {
    const world = await openClaimWorld(client)
    let isServed = false
    await start(world, {
      around: (what, send) => {
        if (isServed || !what.startsWith('patch sandboxclaims/status')) return send()
        isServed = true
        throw new ApiError(what, 404, { reason: 'NotFound', details: { kind: 'sandboxclaims' } })
      },
    })
    await world.claim('c')
    await world.untilReason('c', 'WarmPoolNotFound')
  })
})
