import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Backend } from '@bulkhead/sandbox'
import { failure } from '@bulkhead/wire/errors'
import type { Logger } from 'pino'
import { Interruption } from '../interruption.ts'
import type { Paths } from '../paths.ts'
import { lockFile } from '../setup/file-lock.ts'
import { sourceKey } from '../source-key.ts'
import { serverLogger } from './server-logger.ts'
import { writeServerRecord } from './server-record.ts'

/** An earlier server of this state folder may still be on its way out. */
const predecessorMs = 20_000

/** What a server stands in front of. */
export interface Serving {
  /** Loads what it needs when it is called: a command that only asks for the version must not pay for it. */
  readonly open: (log: Logger, signal: AbortSignal) => Promise<Backend>
  /** Absent: it does not end by itself. */
  readonly idleExitMs?: number
}

/**
 * The server: a backend, and HTTP on the socket of the state folder. Runs until it has been idle for long enough, is asked to end, or `signal` aborts;
 * sandboxes go on in each case, and the next server takes them over. `onReady` is called when it listens.
 */
export async function serve(serving: Serving, paths: Paths, signal: AbortSignal, onReady: () => void): Promise<void> {
  process.umask(0o022) // kernels run under other uids and must be able to read what is theirs
  const log = serverLogger(paths.serverLog)
  mkdirSync(paths.run, { recursive: true, mode: 0o711 })

  await using parts = new AsyncDisposableStack()
  parts.use(await ownState(paths, signal))
  const server = import('@bulkhead/server')
  server.catch(() => {}) // reported below
  const backend = parts.use(await serving.open(log, signal))
  const { startServer } = await server

  const { idleExitMs } = serving
  const ended = Promise.withResolvers<string>()
  parts.use(
    await startServer({
      backend,
      listen: { unix: paths.serverSocket },
      logger: log,
      ...(idleExitMs !== undefined && { idle: { afterMs: idleExitMs, onIdle: () => ended.resolve('idle') } }),
      onShutdown: () => ended.resolve('asked'),
    })
  )
  parts.use(
    await writeServerRecord(paths.serverRecord, {
      pid: process.pid,
      sourceKey: sourceKey(paths.source),
      startedAt: new Date().toISOString(),
    })
  )
  log.info({ pid: process.pid, state: paths.state }, 'server.ready')
  onReady()
  signal.addEventListener('abort', () => ended.resolve(reasonOf(signal)), { once: true })
  if (signal.aborted) ended.resolve(reasonOf(signal))
  log.info({ reason: await ended.promise }, 'server.ending')
}

/** One server per state folder, for as long as this process lives. Fails `state_in_use`. */
async function ownState(paths: Paths, signal: AbortSignal): Promise<AsyncDisposable> {
  const patience = AbortSignal.timeout(predecessorMs)
  try {
    return await lockFile(join(paths.state, 'server.lock'), AbortSignal.any([signal, patience]))
  } catch (error) {
    if (patience.aborted && !signal.aborted) throw failure('state_in_use', { directory: paths.state })
    throw error
  }
}

const reasonOf = ({ reason }: AbortSignal): string => (reason instanceof Interruption ? reason.signal : String(reason))
