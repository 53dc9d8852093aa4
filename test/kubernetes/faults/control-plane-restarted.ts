import { describe, expect, it } from 'vitest'
import { pools } from '../support/arena.ts'
import type { Ground } from '../support/ground.ts'
import { SupervisedOperator } from '../support/supervised-operator.ts'

export function controlPlaneRestarted(ground: () => Ground): void {
  describe('under load', () => {
    it.each([
      ['the API server', () => ground().cluster.restartApiServer()],
      ['etcd', () => ground().cluster.restartEtcd()],
    ])('loses nothing when %s is killed', { timeout: 300_000 }, async (_, restart) => {
      await using arena = await ground().arena('restarted', { isolated: 1 })
      await using operator = await SupervisedOperator.start({ kubeconfig: ground().cluster.kubeconfig })
      await arena.claim('isolated', pools.isolated)
      const ended = new AbortController()
      const loading = arena.load.run(ended.signal)
      try {
        await arena.load.progress(8)
        await restart()
        await arena.load.progress(8)
      } finally {
        ended.abort()
        await loading
      }
      await arena.expectNothingLost()
      // It may give up a lease that it could not renew; it may not crash.
      for (const { signal } of operator.ends) expect(signal).toBeNull()
    })
  })
}
