import { describe, expect, it } from 'vitest'
import { sandboxClaims, sandboxes } from '../../../packages/kubernetes/src/api/index.ts'
import {
  findCondition,
  isControlledBy,
  isNotFound,
  nodes,
  type Pod,
  pods,
  type Stored,
} from '../../../packages/kubernetes/src/controller/index.ts'
import { type Arena, pools } from '../support/arena.ts'
import type { Ground } from '../support/ground.ts'
import { until } from '../support/until.ts'

/** Longer than the operator waits for any answer. */
const tooLateMs = 70_000
const claims = ['one', 'two', 'three', 'four'] as const

export function podsAndNodesLost(ground: () => Ground): void {
  describe('under claims for gVisor pods', () => {
    it.each([
      ['deleted', undefined],
      ['deleted by force', 0],
    ])('brings back a Pod that was %s', { timeout: 300_000 }, async (_, gracePeriodSeconds) => {
      await using _operator = await ground().operator()
      await using arena = await ground().arena('pod-lost')
      await arena.claim('one', pools.isolated)
      const pod = await readyPod(arena, 'one')
      await arena.client.delete(pods, pod.metadata, { gracePeriodSeconds })
      const next = await until('the claim is Ready again', () => readyPodUnlike(arena, 'one', pod))
      expect(next.metadata.name).toBe(pod.metadata.name)
      await arena.expectNothingLost()
    })

    it('goes on when kubelet and containerd of a node are away for a while', { timeout: 300_000 }, async () => {
      await using _operator = await ground().operator()
      await using arena = await ground().arena('node-away', { isolated: 1 })
      for (const name of claims) await arena.claim(name, pools.isolated)
      const [first] = await Promise.all(claims.map((name) => readyPod(arena, name)))
      const node = nodeOf(first as Stored<Pod>)
      await ground().cluster.stopNode(node)
      try {
        // One that cannot end before the node is back, and one whose Pod may be placed there.
        arena.load.claims.delete('one')
        await arena.client.delete(sandboxClaims, { namespace: arena.namespace, name: 'one' })
        await arena.claim('five', pools.isolated)
      } finally {
        await ground().cluster.startNode(node)
      }
      await readyPod(arena, 'five')
      await arena.expectNothingLost()
    })

    // Both take a minute or more, of which the operator has nothing to do in most: they are waited for together.
    it('brings the Pods of a node that is removed for good back on the others, and waits no longer than it has to for answers that do not come', {
      timeout: 400_000,
    }, async () => {
      await using proxy = await ground().proxy()
      const unanswered = new Set(['create sandboxes', 'create pods', 'patch sandboxclaims'])
      await using arena = await ground().arena('node-gone', { isolated: 1 })
      await using waiting = await ground().arena('unanswered', { pretended: 2 })
      await using _operator = await ground().operator({ kubeconfig: proxy.kubeconfig })
      for (const name of claims) await arena.claim(name, pools.isolated)
      const [first] = await Promise.all(claims.map((name) => readyPod(arena, name)))
      const lost = first as Stored<Pod>
      proxy.onRequest = ({ verb, resource, subresource, namespace }) =>
        namespace === waiting.namespace && !subresource && unanswered.delete(`${verb} ${resource}`)
          ? { kind: 'delay', ms: tooLateMs }
          : undefined
      await waiting.load.run(15)
      await ground().cluster.killNode(nodeOf(lost))
      await arena.client.delete(nodes, { name: nodeOf(lost) })
      // The cluster's own garbage collector takes a minute to be sure.
      const next = await until('the claim is Ready again', () => readyPodUnlike(arena, 'one', lost))
      expect(nodeOf(next)).not.toBe(nodeOf(lost))
      await until('no Pod is on the node', async () => {
        const { items } = await arena.client.list(pods, { namespace: arena.namespace })
        return items.every((pod) => nodeOf(pod) !== nodeOf(lost))
      })
      await arena.expectNothingLost()
      await waiting.expectNothingLost()
      expect(unanswered).toEqual(new Set())
    })
  })
}

const nodeOf = (pod: Stored<Pod>): string => pod.spec?.nodeName ?? ''

/** Resolves when the claim is Ready, with its Pod. */
const readyPod = (arena: Arena, claim: string): Promise<Stored<Pod>> =>
  until(`claim ${claim} is Ready`, () => findReadyPod(arena, claim))

async function readyPodUnlike(arena: Arena, claim: string, lost: Stored<Pod>): Promise<Stored<Pod> | undefined> {
  const pod = await findReadyPod(arena, claim)
  return pod && pod.metadata.uid !== lost.metadata.uid ? pod : undefined
}

async function findReadyPod({ client, namespace }: Arena, name: string): Promise<Stored<Pod> | undefined> {
  const { status } = await client.get(sandboxClaims, { namespace, name })
  const sandboxName = status?.sandbox?.name
  if (!sandboxName || findCondition(status?.conditions, 'Ready')?.status !== 'True') return undefined
  try {
    const sandbox = await client.get(sandboxes, { namespace, name: sandboxName })
    const { items } = await client.list(pods, { namespace })
    return items.find((pod) => isControlledBy(pod, sandbox) && !pod.metadata.deletionTimestamp)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
