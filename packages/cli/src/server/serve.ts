import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Backend } from '@bulkhead/sandbox'
import { failure } from '@bulkhead/wire/errors'
import type { Config } from '../config.ts'
import { Interruption } from '../interruption.ts'
import type { Paths } from '../paths.ts'
import { lockFile } from '../setup/file-lock.ts'
import { needInstallation } from '../setup/installation.ts'
import { sourceKey } from '../source-key.ts'
import { engineConfig } from './engine-config.ts'
import { serverLogger } from './server-logger.ts'
import { writeServerRecord } from './server-record.ts'

/** An earlier server of this state folder may still be on its way out. */
const predecessorMs = 20_000

/**
 * The server: an engine on the state folder, HTTP on the socket. Runs until it has been idle for long enough, is asked to end, or `signal` aborts;
 * sandboxes go on in each case, and the next server takes them over. `onReady` is called when it listens.
 */
export async function serve(config: Config, paths: Paths, signal: AbortSignal, onReady: () => void): Promise<void> {
  process.umask(0o022) // kernels run under other uids and must be able to read what is theirs
  const log = serverLogger(paths.serverLog)
  const installation = needInstallation(paths.state)
  mkdirSync(paths.run, { recursive: true, mode: 0o711 })

  await using parts = new AsyncDisposableStack()
  parts.use(await ownState(paths, signal))
  // Here and not above: a command that only asks for the version must not pay for an engine.
  const [{ openEngine }, { startServer }] = await Promise.all([import('@bulkhead/engine'), import('@bulkhead/server')])
  const backend: Backend = parts.use(await openEngine(engineConfig(config, paths, installation, log), signal))

  const ended = Promise.withResolvers<string>()
  parts.use(
    await startServer({
      backend,
      listen: { unix: paths.serverSocket },
      logger: log,
      idle: { afterMs: config.idleExitMs, onIdle: () => ended.resolve('idle') },
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
