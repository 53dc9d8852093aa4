import { expect, it } from 'vitest'
import { type Sandbox, sandboxClaims, sandboxes, sandboxTemplates } from '../../../packages/kubernetes/src/api/index.ts'
import {
  type Condition,
  configMaps,
  events,
  findCondition,
  type KubernetesObject,
  networkPolicies,
  type OwnerReference,
  persistentVolumeClaims,
  pods,
  type ResourceType,
  type Stored,
  services,
} from '../../../packages/kubernetes/src/controller/index.ts'
import { type Arena, pools } from '../support/arena.ts'
import type { Ground } from '../support/ground.ts'
import { pretended, sandbox, template, volumeClaim } from '../support/manifests.ts'
import { until } from '../support/until.ts'

interface Obstacle {
  readonly type: ResourceType
  /** Of the object in the way of a Sandbox. */
  readonly nameFor: (sandbox: string) => string
  readonly content: object
  /** What the Sandbox has to ask for to meet it. */
  readonly asks: Partial<Sandbox['spec']>
}

const obstacles: Readonly<Record<string, Obstacle>> = {
  pod: { type: pods, nameFor: (name) => name, content: { spec: pretended.spec }, asks: {} },
  service: {
    type: services,
    nameFor: (name) => name,
    content: { spec: { clusterIP: 'None', selector: { app: 'theirs' } } },
    asks: { service: true },
  },
  pvc: {
    type: persistentVolumeClaims,
    nameFor: (name) => `data-${name}`,
    content: { spec: volumeClaim('data').spec },
    asks: { volumeClaimTemplates: [volumeClaim('data')] },
  },
}

export function inTheWay(ground: () => Ground): void {
  it('leaves alone what is somebody else’s, says so, and goes on when it is gone', { timeout: 400_000 }, async () => {
    await using _operator = await ground().operator()
    await using arena = await ground().arena('in-the-way')
    const owner = await someOwner(arena)
    const planted: { sandbox: string; object: Stored }[] = []
    for (const [what, obstacle] of Object.entries(obstacles)) {
      for (const [whose, owners] of [
        ['nobodys', []],
        ['somebodys', [owner]],
      ] as const) {
        const name = `${what}-${whose}`
        planted.push({ sandbox: name, object: await plantFor(arena, obstacle, name, owners) })
        await arena.client.create(sandboxes, sandbox(arena.namespace, name, pretended, obstacle.asks))
        arena.load.sandboxes.set(name, 'Running')
      }
    }
    // A claim that has to be started cold finds its name taken.
    const taken = await arena.plant(sandboxes, sandbox(arena.namespace, 'taken', pretended))
    await arena.claim('taken', pools.pretended, { env: [{ name: 'WHO', value: 'me' }] })
    const policy = await arena.plant(networkPolicies, policyOfSomebody(arena))
    await arena.client.create(sandboxTemplates, template(arena.namespace, 'guarded', pretended))

    for (const { sandbox: name } of planted) await complains(arena, name)
    await until('the claim says so', async () => {
      const { status } = await arena.client.get(sandboxClaims, { namespace: arena.namespace, name: 'taken' })
      return isError(findCondition(status?.conditions, 'Ready'))
    })
    await until('an event says that the template has no policy', async () => {
      const { items } = await arena.client.list(events, { namespace: arena.namespace })
      return items.some(({ regarding, type }) => regarding?.name === 'guarded' && type === 'Warning')
    })
    // What is not in anybody's way is served meanwhile.
    await arena.claim('beside', pools.pretended)
    expect(await arena.findTouched()).toEqual([])

    for (const { object } of planted) await arena.uproot(object)
    await arena.uproot(taken)
    await arena.uproot(policy)
    // As long as a Pod uses it, a volume's claim does not go, whoever's it is.
    for (const name of ['pvc-nobodys', 'pvc-somebodys'])
      await arena.client.delete(pods, { namespace: arena.namespace, name }).catch(() => {})
    await arena.expectNothingLost()
  })
}

async function plantFor(arena: Arena, obstacle: Obstacle, sandboxName: string, owners: readonly OwnerReference[]) {
  const metadata = { namespace: arena.namespace, name: obstacle.nameFor(sandboxName), ownerReferences: owners }
  return arena.plant(obstacle.type, { ...obstacle.content, metadata } as KubernetesObject)
}

/** It has to be there: the garbage collector deletes what belongs to nothing. */
async function someOwner({ client, namespace }: Arena): Promise<OwnerReference> {
  const { metadata } = await client.create(configMaps, { metadata: { namespace, name: 'owner' } })
  return { apiVersion: 'v1', kind: 'ConfigMap', name: metadata.name, uid: metadata.uid, controller: true }
}

const policyOfSomebody = ({ namespace }: Arena) => ({
  metadata: { namespace, name: 'guarded-network-policy' },
  spec: { podSelector: { matchLabels: { app: 'theirs' } }, policyTypes: ['Ingress'] },
})

async function complains({ client, namespace }: Arena, name: string): Promise<void> {
  await until(`Sandbox ${name} says what is in its way`, async () => {
    const { status } = await client.get(sandboxes, { namespace, name })
    const ready = findCondition(status?.conditions, 'Ready')
    return isError(ready) && /cannot adopt unowned|is owned by/.test(ready?.message ?? '')
  })
}

const isError = (ready: Condition | undefined) => ready?.status === 'False' && ready.reason === 'ReconcilerError'
