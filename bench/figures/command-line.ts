import { openProduct } from '../../test/support/product.ts'
import type { Figure } from '../figure.ts'
import { spawnToEnd } from '../first-byte.ts'
import { runscDo } from '../installed.ts'
import { inTurns } from '../stats.ts'

/** `bulkhead run -- true` with a server that runs already, the whole process, against `runsc do true`. */
export async function commandLine(): Promise<Figure[]> {
  await using product = await openProduct()
  const bulkhead = new URL('../../bulkhead', import.meta.url).pathname
  const measured = await inTurns(30, {
    bulkhead: () => spawnToEnd([bulkhead, 'run', '--', 'true'], product.env),
    runsc: () => spawnToEnd(runscDo(['true'])),
    launcher: () => spawnToEnd([bulkhead, '--version'], product.env),
  })
  return [
    {
      name: 'bulkhead run -- true, server warm ÷ runsc do true',
      value: measured.bulkhead.p50 / measured.runsc.p50,
      unit: 'ratio',
      target: { atMost: 2.5 },
      detail: `run p50 ${measured.bulkhead.p50.toFixed(0)} ms (of it, start of the command line ${measured.launcher.p50.toFixed(0)}); runsc do ${measured.runsc.p50.toFixed(0)} ms`,
    },
    {
      name: 'second bulkhead run',
      value: measured.bulkhead.p90 / 1000,
      unit: 's',
      target: { atMost: 1 },
      detail: 'p90 of the same',
    },
  ]
}
