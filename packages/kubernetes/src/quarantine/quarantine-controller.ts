import { type Quarantine, quarantines } from '../api/index.ts'
import {
  Controller,
  done,
  isConflict,
  isNotFound,
  objectKey,
  type Pod,
  type ReconcileResult,
  requeueAfter,
  type Stored,
  toController,
  toSelf,
} from '../controller/index.ts'
import type { OperatorContext } from '../operator/operator-context.ts'
import { carryOut, writeStatus } from './carry-out.ts'
import { quarantineOf } from './network-policy.ts'
import { observe, toldOf } from './observe.ts'
import { isOver, planConditions } from './plan-conditions.ts'
import { planQuarantine } from './plan-quarantine.ts'
import { type QuarantineCaches, quarantineCaches } from './quarantine-caches.ts'

const workers = 4
const backoff = { baseMs: 10, maxMs: 30_000 }
/** Something has changed what was to be changed. */
const overtakenMs = 50
/** Nothing tells when the kubelet of a lost node comes back. */
const lookAgainMs = 30_000
/** Steps of one pass: more than any course of events has. */
const maxSteps = 12

/** Keeps what is in quarantine there, and has it replaced. */
export function quarantineController(context: OperatorContext, caches: QuarantineCaches): Controller {
  const quarantining = { context, caches }
  const { clock } = context

  async function reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const quarantine = caches.quarantines.store.get(key)
    // Without it, the garbage collector ends the Pod.
    if (!quarantine || quarantine.metadata.deletionTimestamp || isOver(quarantine.status ?? {})) return done
    try {
      return await advance(quarantine, signal)
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return requeueAfter(overtakenMs, 'urgent')
      throw error
    }
  }

  async function advance(first: Stored<Quarantine>, signal: AbortSignal): Promise<ReconcileResult> {
    let quarantine = first
    for (let steps = 0; steps < maxSteps; steps++) {
      const observed = await observe(context, quarantine, signal)
      const step = planQuarantine(quarantine, observed, clock.wall())
      if (step.kind === 'rest') {
        const { status } = quarantine
        const next = planConditions(quarantine, toldOf(context, quarantine, observed), clock.wall())
        if (next !== status) await writeStatus(quarantining, quarantine, next, signal)
        return isOver(next) ? done : restUntil(step.untilMs)
      }
      quarantine = await carryOut(quarantining, quarantine, step, signal)
    }
    return requeueAfter(overtakenMs, 'urgent')
  }

  const restUntil = (untilMs = Number.POSITIVE_INFINITY): ReconcileResult =>
    requeueAfter(Math.min(Math.max(0, untilMs - clock.wall()), lookAgainMs))

  /** Those of a namespace that `concerns`. There are few, and mostly none. */
  const those = (namespace: string | undefined, concerns: (quarantine: Stored<Quarantine>) => boolean): string[] =>
    caches.quarantines.store.size === 0 ? [] : caches.quarantines.store.list(namespace).filter(concerns).map(objectKey)

  return (
    new Controller({ ...context.controllerOptions('quarantine'), workers, backoff, reconcile })
      .watch(caches.quarantines, toSelf<Quarantine>('urgent'))
      .watch(caches.pods, toController<Pod>(quarantines, 'urgent'))
      .watch(context.caches.networkPolicies, ({ object: { metadata } }) =>
        those(metadata.namespace, ({ metadata: { uid } }) => uid === (quarantineOf(metadata.name) ?? uid))
      )
      .watch(context.caches.claims, ({ object: { metadata } }) =>
        those(metadata.namespace, ({ status }) => status?.claimName === metadata.name)
      )
      .watch(context.caches.sandboxes, ({ object: { metadata } }) =>
        those(metadata.namespace, ({ spec }) => spec.sandboxRef.name === metadata.name)
      )
      // Read by passes: they begin when these are there.
      .watch(context.caches.pods, () => [])
  )
}

/** With caches of its own, which are filled for each term: the kind may not be installed, and nothing else is to wait for that. */
export const quarantineTerm = (context: OperatorContext): Pick<Controller, 'run'> => ({
  async run(stop, term) {
    await using undo = new AsyncDisposableStack()
    const caches = quarantineCaches(context)
    const controller = quarantineController(context, caches)
    undo.use(caches.quarantines).start()
    undo.use(caches.pods).start()
    await controller.run(stop, term)
  },
})
