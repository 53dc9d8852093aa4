/**
 * A server to be killed: opens the engine and makes and removes sandboxes without end, telling its parent of each step before and after.
 * Run as `churning-server.ts PLACES RUNTIME`, with an IPC channel.
 */
import { CreateSandbox, type RuntimeName } from '@bulkhead/wire'
import { openEngine } from '../src/index.ts'
import { engineConfig, requests, type TestPlaces } from './test-machine.ts'

export type Report =
  | { readonly step: 'opened' }
  | { readonly step: 'created'; readonly id: string }
  | { readonly step: 'deleting'; readonly id: string }
  | { readonly step: 'deleted'; readonly id: string }

/** Enough to have some of each kind at any moment, little enough for a small machine. */
const mostAlive = 3

const tell = (report: Report) => new Promise<void>((resolve) => process.send?.(report, () => resolve()))

if (process.argv[2]) {
  const places = JSON.parse(process.argv[2]) as TestPlaces
  const request = CreateSandbox.parse({
    ...requests[process.argv[3] as RuntimeName],
    metadata: { by: String(process.pid) },
  })
  const never = new AbortController().signal
  const engine = await openEngine(engineConfig(places, { pool: { size: 1, quietMs: 0 } }), never)
  await tell({ step: 'opened' })
  for (;;) {
    const [alive] = await Promise.all([
      engine.list(),
      engine.create(request, never).then(({ id }) => tell({ step: 'created', id })),
    ])
    for (const { id } of alive.slice(mostAlive - 1)) {
      await tell({ step: 'deleting', id })
      await engine.delete(id)
      await tell({ step: 'deleted', id })
    }
  }
}
