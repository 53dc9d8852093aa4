import { sandboxes, sandboxWarmPools } from '../../src/api/index.ts'
import { EventRecorder, type Fence, type Logger, silentLogger, systemClock } from '../../src/controller/index.ts'
import type { Caches, OperatorContext, OperatorSettings } from '../../src/operator/operator-context.ts'
import { warmPoolController } from '../../src/warmpool/index.ts'
import { openCaches } from './caches.ts'
import type { ControlPlane } from './control-plane.ts'
import { defaultSettings } from './default-settings.ts'
import { type Interpose, interposed, type Write } from './interposed.ts'

export interface PoolOperator extends AsyncDisposable {
  readonly caches: Caches
  /** What it wrote, in the order it was sent; events are not among it. */
  readonly writes: readonly Write[]
  countOf(kind: 'create' | 'delete' | 'status'): number
  /** At once, as if the leadership were lost: nothing is finished, nothing handed over. */
  kill(): Promise<void>
}

export interface PoolOperatorOptions {
  readonly settings?: Partial<OperatorSettings>
  readonly interpose?: Interpose
  readonly log?: Logger
  /** Of something between its caches and the API server; writes do not go through it. */
  readonly watchPort?: number
}

/** An operator with one controller, that of pools. */
export async function openPoolOperator(
  plane: ControlPlane,
  { settings, interpose = (_, send) => send(), log = silentLogger, watchPort }: PoolOperatorOptions = {}
): Promise<PoolOperator> {
  await using undo = new AsyncDisposableStack()
  const { client } = undo.use(await plane.client({ userAgent: 'operator' }))
  const watching = watchPort ? undo.use(await plane.client({ port: watchPort })).client : client
  const writes: Write[] = []
  const recorder = (name: string) =>
    undo.use(
      new EventRecorder({
        client,
        clock: systemClock,
        reportingController: name,
        reportingInstance: 'test',
        flushMs: 0,
      })
    )
  const context: OperatorContext = {
    client: interposed(client, (write, send) => {
      writes.push(write)
      return interpose(write, send)
    }),
    clock: systemClock,
    log,
    caches: openCaches(watching, undo),
    recorders: {
      sandbox: recorder('sandbox-controller'),
      claim: recorder('sandboxclaim-controller'),
      pool: recorder('sandboxwarmpool-controller'),
      template: recorder('sandboxtemplate-controller'),
    },
    metrics: {
      claimBecameReady: () => {},
      claimGotSandbox: () => {},
      kernelMismatched: () => {},
      sandboxBecameReady: () => {},
    },
    settings: { ...defaultSettings, ...settings },
    controllerOptions: (name) => ({ name, clock: systemClock, log }),
  }
  const losing = new AbortController()
  const fence: Fence = { signal: losing.signal, assertHeld: () => losing.signal.throwIfAborted() }
  const running = warmPoolController(context).run(new AbortController().signal, fence)
  undo.defer(async () => {
    losing.abort(new Error('killed'))
    await running
  })
  const owned = undo.move()
  const kill = () => owned.disposeAsync()
  return {
    caches: context.caches,
    writes,
    countOf: (kind) =>
      writes.filter(({ verb, type, subresource }) =>
        kind === 'status' ? type === sandboxWarmPools && subresource === 'status' : type === sandboxes && verb === kind
      ).length,
    kill,
    [Symbol.asyncDispose]: kill,
  }
}
