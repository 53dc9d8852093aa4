import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { quarantineLabel, quarantines, sandboxClaims, sandboxes } from '../src/api/index.ts'
import {
  type ApiClient,
  controllerReference,
  findCondition,
  isNotFound,
  namespaces,
  networkPolicies,
  pods,
} from '../src/controller/index.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { installKinds } from './support/install-kinds.ts'
import type { Interpose } from './support/interposed.ts'
import { openQuarantineOperator } from './support/quarantine-operator.ts'

const podTemplate = { spec: { containers: [{ name: 'main', image: 'i' }] } }

/** Noting, cutting, holding, discarding, telling. */
const writes = [1, 2, 3, 4, 5]
const faults = writes.flatMap((atWrite) =>
  [true, false].flatMap((carriedOut) => [true, false].map((fatal) => ({ atWrite, carriedOut, fatal })))
)

describe.skipIf(skipped())('a Quarantine, whatever befalls its operator', () => {
  let plane: ControlPlane
  let client: ApiClient
  const undo = new AsyncDisposableStack()

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    client = undo.use(await plane.client()).client
    await installKinds(client)
  })
  afterAll(() => undo.disposeAsync())

  it.each(faults)('comes to the same end: %j', async ({ atWrite, carriedOut, fatal }) => {
    const namespace = `at-${atWrite}-${carriedOut ? 'after' : 'before'}-${fatal ? 'death' : 'error'}`
    const own = (name: string) => ({ namespace, name })
    await client.create(namespaces, { metadata: { name: namespace } })
    const claim = await client.create(sandboxClaims, { metadata: own('c'), spec: { warmPoolRef: { name: 'p' } } })
    const sandbox = await client.create(sandboxes, {
      metadata: { ...own('s'), ownerReferences: [controllerReference(sandboxClaims, claim)] },
      spec: { podTemplate },
    })
    const pod = await client.create(pods, {
      metadata: { ...own('s'), labels: { app: 'x' }, ownerReferences: [controllerReference(sandboxes, sandbox)] },
      spec: { ...podTemplate.spec, automountServiceAccountToken: false },
    })

    let seen = 0
    let kill = () => {}
    const interpose: Interpose = async (_, send) => {
      if (++seen !== atWrite) return send()
      if (carriedOut) await send()
      if (fatal) kill()
      throw new Error('as the test has it')
    }
    const finish = async () => {
      const { metadata } = await client.create(quarantines, { metadata: own('q'), spec: { sandboxRef: { name: 's' } } })
      return metadata.uid
    }
    const settled = async () => {
      const { status } = await client.get(quarantines, own('q'))
      return findCondition(status?.conditions, 'Ended')?.reason
    }
    let uid: string
    {
      await using first = await openQuarantineOperator(plane, interpose)
      kill = first.kill
      uid = await finish()
      await expect.poll(() => seen).toBeGreaterThanOrEqual(atWrite)
      if (!fatal) await expect.poll(settled).toBe('Held')
    }
    await using _second = await openQuarantineOperator(plane, (_, send) => send())
    await expect.poll(settled).toBe('Held')

    const { status } = await client.get(quarantines, own('q'))
    expect(status).toMatchObject({
      podName: 's',
      podUID: pod.metadata.uid,
      sandboxUID: sandbox.metadata.uid,
      claimName: 'c',
    })
    expect((await client.get(pods, own('s'))).metadata).toMatchObject({
      uid: pod.metadata.uid,
      labels: { [quarantineLabel]: uid },
    })
    await expect(client.get(sandboxes, own('s'))).rejects.toSatisfy((error) => isNotFound(error))
    expect((await client.list(networkPolicies, { namespace })).items).toHaveLength(1)
  })
})
