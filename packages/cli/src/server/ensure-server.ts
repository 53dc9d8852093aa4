import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Paths } from '../paths.ts'
import { sourceKey } from '../source-key.ts'
import { readServerRecord } from './server-record.ts'

export interface EnsureOptions {
  readonly paths: Paths
  readonly signal: AbortSignal
  /** Makes sure that everything a server needs is installed. */
  readonly setUp: () => Promise<void>
}

/**
 * Resolves when a server of this checkout's sources listens on the socket: at once when one does, else one is set up for and started. Of two commands at
 * once one starts it and the other waits. A server of older sources is asked to end; its sandboxes go on, and the new one takes them over.
 */
export async function ensureServer({ paths, signal, setUp }: EnsureOptions): Promise<void> {
  const key = sourceKey(paths.source)
  if (await serves(paths, key)) return
  await setUp()
  const { lockFile } = await import('../setup/file-lock.ts')
  mkdirSync(paths.run, { recursive: true, mode: 0o711 })
  await using _lock = await lockFile(join(paths.state, 'start.lock'), signal)
  if (await serves(paths, key)) return // another command was faster
  if (await listens(paths.serverSocket)) {
    const { requestShutdown } = await import('./request-shutdown.ts')
    await requestShutdown(paths.serverSocket, signal)
  }
  const { spawnServer } = await import('./spawn-server.ts')
  await spawnServer(paths, signal)
}

async function serves(paths: Paths, key: string): Promise<boolean> {
  return readServerRecord(paths.serverRecord)?.sourceKey === key && (await listens(paths.serverSocket))
}

/** Whether a process accepts connections on the socket. */
export const listens = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(socketPath)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
