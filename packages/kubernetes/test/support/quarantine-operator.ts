import { EventRecorder, type Fence, silentLogger, systemClock } from '../../src/controller/index.ts'
import type { OperatorContext } from '../../src/operator/operator-context.ts'
import { quarantineTerm } from '../../src/quarantine/index.ts'
import { openCaches } from './caches.ts'
import type { ControlPlane } from './control-plane.ts'
import { defaultSettings } from './default-settings.ts'
import { type Interpose, interposed } from './interposed.ts'

export interface QuarantineOperator extends AsyncDisposable {
  /** At once, as if the leadership were lost: nothing is finished. Does not wait for the end. */
  kill(): void
}

/** An operator with one controller, that of Quarantines. */
export async function openQuarantineOperator(plane: ControlPlane, interpose: Interpose): Promise<QuarantineOperator> {
  await using undo = new AsyncDisposableStack()
  const { client } = undo.use(await plane.client({ userAgent: 'operator' }))
  const recorder = undo.use(
    new EventRecorder({ client, clock: systemClock, reportingController: 'test', reportingInstance: 'test' })
  )
  const context: OperatorContext = {
    client: interposed(client, interpose),
    clock: systemClock,
    log: silentLogger,
    caches: openCaches(client, undo),
    recorders: { sandbox: recorder, claim: recorder, pool: recorder, template: recorder },
    metrics: {
      claimBecameReady: () => {},
      claimGotSandbox: () => {},
      kernelMismatched: () => {},
      sandboxBecameReady: () => {},
    },
    settings: defaultSettings,
    controllerOptions: (name) => ({ name, clock: systemClock, log: silentLogger }),
  }
  const losing = new AbortController()
  const fence: Fence = { signal: losing.signal, assertHeld: () => losing.signal.throwIfAborted() }
  const running = quarantineTerm(context).run(new AbortController().signal, fence)
  const kill = () => losing.abort(new Error('killed'))
  undo.defer(async () => {
    kill()
    await running
  })
  const owned = undo.move()
  return { kill, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
