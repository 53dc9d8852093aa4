import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  annotation,
  label,
  nameHash,
  type Sandbox,
  sandboxClaims,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../src/api/index.ts'
import {
  type ApiClient,
  controllerReference,
  mergePatch,
  namespaces,
  pods,
  type Stored,
  wholeSeconds,
} from '../src/controller/index.ts'
import { coreControllers, extensionControllers } from '../src/operator/controllers.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { installKinds } from './support/install-kinds.ts'
import { startOperator } from './support/running-operator.ts'

const podTemplate = { spec: { containers: [{ name: 'main', image: 'example.test/image' }] } }
/** Whose the address is that the victim must never be sent to. */
const theirAddress = '10.9.9.9'

/** Uids are no secrets: they are in events, logs and owner references. */
describe.skipIf(skipped())(
  'a tenant that may write anything in its own namespace, and knows the uids of another’s objects',
  () => {
    let plane: ControlPlane
    let client: ApiClient
    const undo = new AsyncDisposableStack()

    beforeAll(async () => {
      plane = undo.use(await openControlPlane())
      client = undo.use(await plane.client()).client
      await installKinds(client)
      for (const name of ['victim', 'attacker']) await client.create(namespaces, { metadata: { name } })
      undo.use(startOperator(plane, ['--extensions'], { core: coreControllers, extensions: extensionControllers }))
    })
    afterAll(() => undo.disposeAsync())

    const own = (name: string) => ({ namespace: 'victim', name })
    const forged = (name: string) => ({ namespace: 'attacker', name })

    /** A Sandbox that looks as if it were ready to be taken. */
    async function pretendReady(sandbox: Stored<Sandbox>): Promise<void> {
      const ready = { type: 'Ready', status: 'True', reason: 'DependenciesReady', message: 'Pod is Ready' }
      const conditions = [{ ...ready, observedGeneration: 1, lastTransitionTime: wholeSeconds(Date.now()) }]
      const status = { podIPs: [theirAddress], nodeName: 'node', conditions }
      await client.patch(sandboxes, sandbox.metadata, mergePatch({ status }), { subresource: 'status' })
    }

    it('neither feeds its Sandboxes to the other’s claims, nor its Pods to the other’s Sandboxes', async () => {
      await client.create(sandboxTemplates, { metadata: own('template'), spec: { podTemplate } })
      const pool = await client.create(sandboxWarmPools, {
        metadata: own('pool'),
        spec: { replicas: 0, sandboxTemplateRef: { name: 'template' } },
      })
      const member = await client.create(sandboxes, {
        metadata: {
          ...forged('member'),
          labels: {
            [label.warmPoolSandbox]: nameHash('pool'),
            [label.sandboxTemplateRefHash]: nameHash('template'),
          },
          annotations: { [annotation.sandboxTemplateRef]: 'template' },
          ownerReferences: [controllerReference(sandboxWarmPools, pool)],
        },
        spec: { podTemplate },
      })
      await pretendReady(member)

      const claim = await client.create(sandboxClaims, {
        metadata: own('claim'),
        spec: { warmPoolRef: { name: 'pool' } },
      })
      const bound = await client.create(sandboxes, {
        metadata: { ...forged('bound'), ownerReferences: [controllerReference(sandboxClaims, claim)] },
        spec: { podTemplate },
      })
      await pretendReady(bound)
      await expect.poll(async () => (await client.get(sandboxClaims, own('claim'))).status?.sandbox?.name).toBe('claim')

      const sandbox = await client.get(sandboxes, own('claim'))
      await expect.poll(() => client.get(pods, own('claim')).then(Boolean, () => false)).toBe(true)
      const pod = await client.create(pods, {
        metadata: {
          ...forged('pod'),
          labels: { [label.sandboxNameHash]: nameHash('claim') },
          ownerReferences: [controllerReference(sandboxes, sandbox)],
        },
        spec: { containers: podTemplate.spec.containers, automountServiceAccountToken: false },
      })
      const readyPod = {
        phase: 'Running',
        podIPs: [{ ip: theirAddress }],
        conditions: [{ type: 'Ready', status: 'True' }],
      }
      await client.patch(pods, pod.metadata, mergePatch({ status: readyPod }), { subresource: 'status' })
      const ownPod = { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], conditions: [{ type: 'Ready', status: 'True' }] }
      await client.patch(pods, own('claim'), mergePatch({ status: ownPod }), { subresource: 'status' })

      await expect
        .poll(async () => (await client.get(sandboxClaims, own('claim'))).status)
        .toMatchObject({
          sandbox: { name: 'claim', podIPs: ['10.0.0.1'] },
          conditions: [{ type: 'Ready', status: 'True' }],
        })
      expect((await client.get(sandboxes, own('claim'))).status).toMatchObject({ podIPs: ['10.0.0.1'] })
    })
  }
)
