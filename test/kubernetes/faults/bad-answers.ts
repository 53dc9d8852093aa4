import { describe, expect, it } from 'vitest'
import { type ApiRequest, isWrite } from '../support/api-request.ts'
import { pools } from '../support/arena.ts'
import type { Fault } from '../support/fault-proxy.ts'
import type { Ground } from '../support/ground.ts'
import type { Random } from '../support/random.ts'

/** Of each sort of write, so many answers are lost. */
const lostOfEach = 3
/** What is done at random to a request. */
const faults: readonly [Fault, ...Fault[]] = [
  { kind: 'refuse', status: 429, retryAfterSeconds: 1 },
  { kind: 'refuse', status: 409 },
  { kind: 'refuse', status: 500 },
  { kind: 'refuse', status: 503 },
  { kind: 'belie', status: 504 },
  { kind: 'lose-request' },
  { kind: 'lose-answer' },
  { kind: 'delay', ms: 700 },
]
const probability = 0.25

export function badAnswers(ground: () => Ground): void {
  describe('between it and the API server', () => {
    it('does nothing twice when what it wrote is stored and the answer is lost', { timeout: 400_000 }, async () => {
      await using proxy = await ground().proxy()
      const lost = new Map<string, number>()
      proxy.onRequest = (request) => {
        const sort = sortOf(request)
        const before = lost.get(sort) ?? 0
        if (!isWrite(request) || before === lostOfEach) return undefined
        lost.set(sort, before + 1)
        return { kind: 'lose-answer' }
      }
      await using _operator = await ground().operator({ kubeconfig: proxy.kubeconfig })
      await using arena = await ground().arena('lost-answers')
      await arena.claim('isolated', pools.isolated)
      await arena.load.run(40)
      const sorts = ['create sandboxes', 'patch sandboxes', 'create pods', 'delete pods']
      // What the load does is chance: it goes on until each sort of write was met.
      while (sorts.some((sort) => lost.get(sort) !== lostOfEach)) await arena.load.run(10)
      await arena.expectNothingLost()
    })

    it('copes with 429, 409, 5xx and cut connections', { timeout: 400_000 }, async () => {
      await using proxy = await ground().proxy()
      await using arena = await ground().arena('bad-answers')
      await using operator = await ground().operator({ kubeconfig: proxy.kubeconfig })
      proxy.onRequest = (request) => chooseFault(request, arena.random)
      await arena.load.run(50)
      proxy.onRequest = () => undefined
      await arena.expectNothingLost()
      expect(operator.hasEnded).toBe(false)
      expect(proxy.struck).toEqual(new Set(faults))
    })
  })
}

const sortOf = ({ verb, resource, subresource }: ApiRequest) => `${verb} ${resource}${subresource && `/${subresource}`}`

/** The lease has tests of its own, and an operator that loses it ends: here it is to live through all of this. */
function chooseFault({ verb, resource }: ApiRequest, random: Random): Fault | undefined {
  if (resource === 'leases' || verb === 'watch' || !random.chance(probability)) return undefined
  return random.pick(faults)
}
