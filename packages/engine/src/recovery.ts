import { readdir } from 'node:fs/promises'
import { removeTree } from '@bulkhead/kernel/remove-tree'
import { SweepIncomplete } from '@bulkhead/kernel/sweep'
import { hasKernel } from '@bulkhead/sandbox'
import { isFailure, type RuntimeName } from '@bulkhead/wire'
import type { Logger } from './config.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { SandboxRow } from './ledger/sandbox-table.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Runtimes } from './runtimes.ts'
import type { Templates } from './templates.ts'

/** How long one kernel may take to be found again. */
const adoptTimeoutMs = 10_000

export interface RecoveryOptions {
  readonly ledger: Ledger
  readonly lifecycle: Lifecycle
  readonly runtimes: Runtimes
  readonly templates: Templates
  /** `<state>/sandboxes`. */
  readonly sandboxesDirectory: string
  readonly log: Logger
}

/**
 * Puts the host in line with the ledger after an earlier server, however that ended (P7): callers' running sandboxes are taken over, or
 * `lost` with the reason; whatever was being made, was being removed or belonged to the pool is finished off; what no row owns goes.
 * Resolves when nothing is left that is not a living sandbox's. Throws only for what makes the engine unusable.
 */
export async function recover(options: RecoveryOptions, signal: AbortSignal): Promise<void> {
  const { ledger, runtimes, templates, log } = options
  const living = ledger.sandboxes.living()
  const uncleared = ledger.sandboxes.uncleared()
  const touched = new Set<RuntimeName>(
    // A killed server may have started what it had not written yet: a look everywhere. One that stopped in order has not.
    ledger.foundClean ? [...living, ...uncleared].map((row) => row.runtime) : runtimes.names
  )
  const adopted = (await Promise.all(living.map((row) => takeOver(row, options, signal)))).filter(
    (id) => id !== undefined
  )
  const keep = new Set(adopted)

  /** Of each runtime that was swept: the ids of which something is left. */
  const swept = new Map<RuntimeName, ReadonlySet<string>>()
  await Promise.all(
    [...touched].map(async (name) => {
      try {
        const removed = await (await runtimes.get(name)).sweep(keep)
        swept.set(name, new Set())
        if (removed.length > 0) log.info({ runtime: name, removed }, 'recovery.sweep')
      } catch (error) {
        // Not swept, not cleared: those rows keep their uids, and the next start tries again.
        if (error instanceof SweepIncomplete) swept.set(name, error.left)
        log.error({ runtime: name, err: error }, 'recovery.sweep')
      }
    })
  )
  await clearRows([...living, ...uncleared], keep, swept, options)
  await clearFolders(options)
  await templates.sweep()
  if (living.length > 0) log.info({ adopted: keep.size, rows: living.length }, 'recovery.done')
}

/** Its id when it runs on under this server. */
async function takeOver(row: SandboxRow, options: RecoveryOptions, signal: AbortSignal): Promise<string | undefined> {
  const { ledger, lifecycle, runtimes, log } = options
  if (row.role !== 'sandbox' || !hasKernel(row.state)) return undefined
  try {
    if (!row.handle) throw new Error('its kernel was never recorded')
    const runtime = await runtimes.get(row.runtime)
    const kernel = await runtime.adopt(row.handle, AbortSignal.any([signal, AbortSignal.timeout(adoptTimeoutMs)]))
    const running = row.state === 'snapshotting' ? ledger.sandboxes.transition(row, 'running') : row
    lifecycle.adopt(running, kernel)
    return row.id
  } catch (error) {
    signal.throwIfAborted()
    const reason = isFailure(error) ? error.message : `could not be taken over: ${String((error as Error).message)}`
    log.warn({ sandboxId: row.id, err: error }, 'recovery.lost')
    ledger.sandboxes.transition(row, 'lost', { reason })
    return undefined
  }
}

/** Finishes what was begun: rows of kernels that are certainly gone. */
async function clearRows(
  rows: readonly SandboxRow[],
  keep: ReadonlySet<string>,
  swept: ReadonlyMap<RuntimeName, ReadonlySet<string>>,
  { ledger, lifecycle, log }: RecoveryOptions
): Promise<void> {
  for (const { id, runtime } of rows) {
    const row = ledger.sandboxes.get(id)
    if (!row || keep.has(id) || (swept.get(runtime)?.has(id) ?? true)) continue
    const ended = row.role === 'sandbox' && row.state === 'stopping' ? ledger.sandboxes.transition(row, 'stopped') : row
    try {
      await lifecycle.clear(ended)
    } catch (error) {
      // It keeps its uid, and the next start tries again: what one has left must not keep all others from being served.
      log.error({ sandboxId: id, err: error }, 'recovery.clear')
    }
  }
}

/** Folders of sandboxes that the ledger does not know (any more). */
async function clearFolders({ ledger, lifecycle, sandboxesDirectory, log }: RecoveryOptions): Promise<void> {
  for (const name of await readdir(sandboxesDirectory)) {
    const row = ledger.sandboxes.get(name)
    // Names come from the folder itself and are single components.
    if (row?.uidSlot !== undefined) continue
    try {
      await removeTree(lifecycle.stateFolder(name))
    } catch (error) {
      log.error({ sandboxId: name, err: error }, 'recovery.clear')
    }
  }
}
