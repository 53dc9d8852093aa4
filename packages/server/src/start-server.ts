import type { Backend } from '@bulkhead/sandbox'
import { failure } from '@bulkhead/wire'
import { controlApi } from './control-api.ts'
import { type HttpLimits, httpServer } from './http-server.ts'
import { type IdleOptions, IdleWatch } from './idle-watch.ts'
import { Metrics } from './metrics.ts'
import { type Logger, OperationLog } from './operation-log.ts'
import { GuestProxy } from './proxy/guest-proxy.ts'
import { RequestGate } from './request-gate.ts'
import { serverLimits } from './server-limits.ts'
import { listenOnUnixSocket } from './unix-socket.ts'

export interface ServerOptions {
  /** Stays the caller's: closing the server does not dispose it. */
  readonly backend: Backend
  readonly listen: { readonly unix: string }
  readonly logger: Logger
  readonly idle?: IdleOptions
  /** Of a connection; for tests. Default: {@link serverLimits}. */
  readonly limits?: Partial<Pick<HttpLimits, 'headersMs' | 'keepAliveMs' | 'checkEveryMs'>>
  /** A client asked for the end (`POST /v1/shutdown`) and has been answered. Without it there is no such route. */
  readonly onShutdown?: () => void
}

export interface RunningServer extends AsyncDisposable {
  /** Refuses what comes, cuts calls to guests, cancels control requests and waits for them to clean up. Sandboxes go on. */
  close(): Promise<void>
}

/** HTTP in front of a backend. Resolves when it listens. Fails `server_already_running`, `socket_unusable`. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { backend, logger, onShutdown } = options
  const closing = new AbortController()
  const metrics = new Metrics()
  const log = new OperationLog(logger, metrics)
  const context = { backend, log, metrics, closing: closing.signal, onShutdown }
  const idle = options.idle && new IdleWatch(options.idle, () => backend.busy())
  const gate = new RequestGate(idle, closing.signal)
  const proxy = new GuestProxy(context)

  const app = await controlApi(context, (control) => {
    return httpServer(
      (request, response) => {
        if (gate.admit(response) && !proxy.handle(request, response)) control(request, response)
      },
      { ...serverLimits, ...options.limits }
    )
  })
  const { server } = app
  await using undo = new AsyncDisposableStack()
  undo.defer(() => idle?.[Symbol.dispose]())
  undo.defer(() => app.close())
  const listener = await listenOnUnixSocket(server, options.listen.unix)
  logger.info({ socket: listener.path }, 'server.listening')

  const release = undo.move()
  const end = async () => {
    // First the name: who comes now finds no server and starts the next one.
    await listener[Symbol.asyncDispose]()
    closing.abort(failure('server_stopping', {}))
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeIdleConnections()
    await withDeadline(gate.drained(), serverLimits.closeMs, () => logger.warn({}, 'server.close.overdue'))
    server.closeAllConnections()
    await closed
    await release.disposeAsync()
    logger.info({}, 'server.closed')
  }
  let ended: Promise<void> | undefined
  const close = () => {
    ended ??= end()
    return ended
  }
  return { close, [Symbol.asyncDispose]: close }
}

async function withDeadline(work: Promise<void>, afterMs: number, overdue: () => void): Promise<void> {
  const deadline = Promise.withResolvers<void>()
  const timer = setTimeout(() => {
    overdue()
    deadline.resolve()
  }, afterMs)
  try {
    await Promise.race([work, deadline.promise])
  } finally {
    clearTimeout(timer)
  }
}
