import { readdir } from 'node:fs/promises'
import type { KernelHandle, KernelRuntime, RunningKernel } from '@bulkhead/kernel'
import { isAlive } from '@bulkhead/kernel/process-identity'
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

/** How long one kernel may take to be found again, each time it is tried. */
const adoptTimeoutMs = 10_000
/** A kernel whose process lives may be late on a busy host. After this many silences it is taken for hung. */
const adoptAttempts = 3
/** How many are taken over at once: each costs descriptors and the processor. */
const adoptLanes = 8

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
  const keep = new Set<string>()
  const waiting = [...living]
  const lane = async () => {
    for (let row = waiting.shift(); row; row = waiting.shift()) {
      if (await takeOver(row, options, signal)) keep.add(row.id)
    }
  }
  await Promise.all(Array.from({ length: adoptLanes }, lane))

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

/** Whether it runs on under this server. */
async function takeOver(row: SandboxRow, options: RecoveryOptions, signal: AbortSignal): Promise<boolean> {
  const { ledger, lifecycle, runtimes, log } = options
  if (row.role !== 'sandbox' || !hasKernel(row.state)) return false
  try {
    if (!row.handle) throw new Error('its kernel was never recorded')
    const kernel = await adopt(await runtimes.get(row.runtime), row.handle, options, signal)
    const running = row.state === 'snapshotting' ? ledger.sandboxes.transition(row, 'running') : row
    lifecycle.adopt(running, kernel)
    return true
  } catch (error) {
    signal.throwIfAborted()
    const reason = isFailure(error) ? error.message : `could not be taken over: ${String((error as Error).message)}`
    log.warn({ sandboxId: row.id, err: error }, 'recovery.lost')
    ledger.sandboxes.transition(row, 'lost', { reason })
    return false
  }
}

async function adopt(
  runtime: KernelRuntime,
  handle: KernelHandle,
  { log }: RecoveryOptions,
  signal: AbortSignal
): Promise<RunningKernel> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runtime.adopt(handle, AbortSignal.any([signal, AbortSignal.timeout(adoptTimeoutMs)]))
    } catch (error) {
      signal.throwIfAborted()
      if (attempt === adoptAttempts || !(await isAlive(handle))) throw error
      log.warn({ sandboxId: handle.spec.id, attempt, err: error }, 'recovery.again')
    }
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
