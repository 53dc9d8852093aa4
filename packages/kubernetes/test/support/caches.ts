import { Registry } from 'prom-client'
import { type ApiClient, KitMetrics, silentLogger, systemClock } from '../../src/controller/index.ts'
import { coreCaches, extensionCaches } from '../../src/operator/open-caches.ts'
import type { Caches } from '../../src/operator/operator-context.ts'

/** The operator's caches, started. Dispose of the stack to stop them. `namespace`: default all. */
export function openCaches(client: ApiClient, undo: AsyncDisposableStack, namespace?: string): Caches {
  const options = {
    client,
    ...(namespace && { namespace }),
    clock: systemClock,
    log: silentLogger,
    metrics: new KitMetrics(new Registry()),
  }
  const caches: Caches = { ...coreCaches(options), ...extensionCaches(options) }
  for (const informer of Object.values(caches)) {
    informer.start()
    undo.use(informer)
  }
  return caches
}
