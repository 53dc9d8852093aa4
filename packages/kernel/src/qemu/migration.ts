import { setTimeout as sleep } from 'node:timers/promises'
import { type QmpClient, QmpError } from './qmp-client.ts'

/** Sets what the stream holds and how fast it goes, on either side; the same on both. */
export async function prepareMigration(
  monitor: QmpClient,
  stream: { /** Leave out memory that lies in a shared file. */ readonly withoutSharedMemory: boolean },
  signal: AbortSignal
): Promise<void> {
  const capabilities = [
    { capability: 'events', state: true },
    { capability: 'x-ignore-shared', state: stream.withoutSharedMemory },
  ]
  await Promise.all([
    monitor.execute('migrate-set-capabilities', { capabilities }, signal),
    // To a file, not over a network others use; 0: without limit.
    monitor.execute('migrate-set-parameters', { 'max-bandwidth': 0 }, signal),
  ])
}

/** Writes the state of a stopped machine to a file (a path as QEMU sees it). An abort cancels it. Rejects with why it failed. */
export async function migrateTo(monitor: QmpClient, path: string, signal: AbortSignal): Promise<void> {
  try {
    await run(monitor, 'migrate', path, signal)
  } catch (error) {
    // Fine when there was nothing to cancel, or nobody to ask.
    if (signal.aborted) await monitor.execute('migrate_cancel', {}, AbortSignal.timeout(5000)).catch(() => {})
    throw error
  }
}

/**
 * Lets a machine run on after its state was written, or the writing was given up. QEMU says that a migration has ended a moment
 * before it takes a `cont` again ("Migration is not finalized yet"), and no event tells when: asked again and again, ever more slowly.
 */
export async function continueAfterMigration(monitor: QmpClient, signal: AbortSignal): Promise<void> {
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 100)) {
    try {
      await monitor.execute('cont', {}, signal)
      return
    } catch (error) {
      if (!(error instanceof QmpError)) throw error
      await sleep(waitMs, undefined, { signal }).catch(() => {
        throw error
      })
    }
  }
}

/** Loads a machine that was started with `-incoming defer` from a file. It stays stopped. */
export const migrateFrom = (monitor: QmpClient, path: string, signal: AbortSignal): Promise<void> =>
  run(monitor, 'migrate-incoming', path, signal)

async function run(monitor: QmpClient, command: string, path: string, signal: AbortSignal): Promise<void> {
  const done = monitor.event(
    ({ name, data }) => name === 'MIGRATION' && (data.status === 'completed' || data.status === 'failed'),
    signal
  )
  done.catch(() => {})
  await monitor.execute(command, { uri: `file:${path}` }, signal)
  if ((await done).data.status === 'completed') return
  const answer = (await monitor.execute('query-migrate', {}, signal)) as { 'error-desc'?: unknown } | undefined
  const why = answer?.['error-desc']
  throw new Error(
    `QEMU could not finish ${command}: ${typeof why === 'string' ? why.slice(0, 1000) : 'no reason given'}`
  )
}
