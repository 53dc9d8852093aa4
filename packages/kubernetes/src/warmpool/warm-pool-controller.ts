import { type Sandbox, sandboxWarmPools } from '../api/index.ts'
import { type Change, Controller, controllerOf, Expectations, refersTo, toSelf } from '../controller/index.ts'
import type { OperatorContext } from '../operator/operator-context.ts'
import { toPoolsOfSandbox, toPoolsOfTemplate } from './wake-pools.ts'
import { WarmPoolReconciler } from './warm-pool-reconciler.ts'

/** The default's longest would leave a pool empty for a quarter of an hour after the API server has been away for long. */
const backoff = { baseMs: 5, maxMs: 60_000 }

/**
 * Keeps every SandboxWarmPool at the number of Sandboxes it wants. Its keys are pools. Nothing is counted, and so nothing created, before all caches
 * that pools are judged by are complete.
 */
export function warmPoolController(context: OperatorContext): Controller {
  const { caches, clock, settings } = context
  const expectations = new Expectations(clock)
  const reconciler = new WarmPoolReconciler(context, expectations)
  const toPools = toPoolsOfSandbox(caches.pools.store)
  return (
    new Controller({
      ...context.controllerOptions('warm-pool'),
      workers: settings.warmPoolWorkers,
      backoff,
      reconcile: (key, signal) => reconciler.reconcile(key, signal),
    })
      .watch(caches.pools, toSelf())
      .watch(caches.templates, toPoolsOfTemplate(caches.pools.store))
      .watch(caches.sandboxes, (change) => {
        see(change, expectations)
        return toPools(change)
      })
      // Read only, for who is about to take which member.
      .watch(caches.claims, () => [])
  )
}

/** What was expected of a pool's members and has happened. */
function see({ type, object }: Change<Sandbox>, expectations: Expectations): void {
  const owner = controllerOf(object)
  if (!owner || !refersTo(owner, sandboxWarmPools)) return
  const { namespace, name, uid, deletionTimestamp } = object.metadata
  const key = `${namespace}/${owner.name}`
  expectations.created(key, name)
  if (type === 'deleted' || deletionTimestamp) expectations.deleted(key, uid)
}
