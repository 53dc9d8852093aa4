import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyNotHere } from '../../../tools/cluster/test-cluster.ts'
import { Ground } from '../support/ground.ts'

const minutes = 60_000

/** Faults that are tried on one cluster, one after the other: each has a namespace and operators of its own. */
export async function onGround(name: string, ...faults: ((ground: () => Ground) => void)[]): Promise<void> {
  const reason = await whyNotHere(AbortSignal.timeout(minutes))
  if (reason) process.stderr.write(`test/kubernetes/faults is skipped, because ${reason}\n`)

  describe.skipIf(reason !== undefined)(name, () => {
    let opened: Ground
    beforeAll(async () => {
      opened = await Ground.open()
    }, 10 * minutes)
    afterAll(() => opened?.[Symbol.asyncDispose](), 2 * minutes)

    const ground = () => opened
    for (const tried of faults) tried(ground)

    it('keeps no namespace from its end', { timeout: 3 * minutes }, async () => {
      await using _operator = await ground().operator()
      await expect.poll(() => ground().namespacesLeft(), { timeout: 2 * minutes, interval: 500 }).toEqual([])
    })
  })
}
