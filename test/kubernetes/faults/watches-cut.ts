import { expect, it } from 'vitest'
import type { Fault } from '../support/fault-proxy.ts'
import type { Ground } from '../support/ground.ts'

/** In turn; between two of them all connections are cut, so that every watch meets each. */
const phases: readonly Fault[] = [
  { kind: 'cut-before-head' },
  { kind: 'refuse', status: 503 },
  { kind: 'cut-after-head' },
  { kind: 'cut-mid-line', lines: 0 },
  { kind: 'cut-mid-line', lines: 3 },
  { kind: 'cut-after-bookmark' },
  // The operator's own alarm goes after three minutes; a dead peer shows earlier, by the kernel's probes.
  { kind: 'silence', ms: 5_000 },
  { kind: 'expire', lines: 1 },
]
/** A watch meets a fault so many times before it is left alone. */
const times = 2

export function watchesCut(ground: () => Ground): void {
  it('misses nothing while its watches are cut in every phase', { timeout: 400_000 }, async () => {
    await using proxy = await ground().proxy()
    await using operator = await ground().operator({ kubeconfig: proxy.kubeconfig })
    await using arena = await ground().arena('cut')
    await arena.expectNothingLost()
    const watched = new Set(proxy.arrived.filter(({ verb }) => verb === 'watch').map(({ resource }) => resource))
    for (const fault of phases) {
      const met = new Map<string, number>()
      proxy.onRequest = ({ verb, resource }) => {
        const before = met.get(resource) ?? 0
        if (verb !== 'watch' || before === times) return undefined
        met.set(resource, before + 1)
        return fault
      }
      proxy.cut()
      while (!proxy.struck.has(fault) || met.size < watched.size) await arena.load.run(6)
    }
    proxy.onRequest = () => undefined
    await arena.expectNothingLost()
    expect(operator.hasEnded).toBe(false)
  })
}
