import { describe, expect, it } from 'vitest'
import { isWrite } from '../support/api-request.ts'
import { type Arena, pools } from '../support/arena.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import type { Ground } from '../support/ground.ts'
import type { OperatorProcess } from '../support/operator-process.ts'
import { until } from '../support/until.ts'

interface Candidate extends AsyncDisposable {
  readonly operator: OperatorProcess
  readonly proxy: FaultProxy
  /** How many writes it has sent. */
  writes(): number
}

export function twoOperators(ground: () => Ground): void {
  describe('two operators', () => {
    it.each([
      ['whose clocks are right', 0],
      ['whose clocks differ by ten seconds', 5_000],
    ])('%s: one works, and the other goes on when that one ends', { timeout: 300_000 }, async (_, offsetMs) => {
      await using arena = await ground().arena('two')
      await using first = await candidate(ground(), offsetMs)
      await using second = await candidate(ground(), -offsetMs)
      await arena.load.run(25)
      await arena.expectNothingLost()
      const [leading, waiting] = first.writes() > 0 ? [first, second] : [second, first]
      expect(waiting.writes()).toBe(0)
      expect(await leading.operator.stop()).toEqual({ code: 0, signal: null })
      await arena.load.run(15)
      await expiring(arena)
      await arena.expectNothingLost()
      expect(waiting.writes()).toBeGreaterThan(0)
    })

    it('are never at work both: one that stood still while its lease ran out writes nothing more', {
      timeout: 300_000,
    }, async () => {
      await using arena = await ground().arena('frozen')
      await using first = await candidate(ground())
      await until('the first leads', () => first.writes() > 0)
      await using second = await candidate(ground())
      const ended = new AbortController()
      const loading = arena.load.run(ended.signal)
      try {
        await frozenInReconcile(first)
        await until('the second writes', () => second.writes() > 0)
        const writes = first.writes()
        first.operator.thaw()
        const { code, signal } = await first.operator.ended
        expect(signal).toBeNull()
        expect(code).not.toBe(0)
        expect(first.writes()).toBe(writes)
      } finally {
        first.operator.thaw()
        ended.abort()
        await loading
      }
      await arena.expectNothingLost()
    })
  })
}

async function candidate(ground: Ground, clockOffsetMs = 0): Promise<Candidate> {
  await using undo = new AsyncDisposableStack()
  const proxy = undo.use(await ground.proxy())
  const operator = undo.use(await ground.operator({ kubeconfig: proxy.kubeconfig, clockOffsetMs }))
  const owned = undo.move()
  return {
    operator,
    proxy,
    writes: () => proxy.arrived.filter(isWrite).length,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Resolves when it stands still with a write that was carried out, and of which it has not been told. */
async function frozenInReconcile({ operator, proxy }: Candidate): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  proxy.onAnswer = (request) => {
    if (!isWrite(request)) return
    operator.freeze()
    proxy.onAnswer = () => {}
    resolve()
  }
  await promise
}

/** A claim that ends soon, whatever the operator's clock says of when that is. */
async function expiring(arena: Arena): Promise<void> {
  const shutdownTime = new Date(Date.now() + 3_000).toISOString()
  await arena.claim('expiring', pools.pretended, { lifecycle: { shutdownTime, shutdownPolicy: 'Delete' } })
  arena.load.claims.delete('expiring')
}
