import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { KernelExit, KernelSpec, RunningKernel } from '@bulkhead/kernel'
import { removeTree } from '@bulkhead/kernel/remove-tree'
import { hasEnded } from '@bulkhead/sandbox'
import { failure, type Sandbox } from '@bulkhead/wire'
import type { Logger } from './config.ts'
import { exitReason } from './exit-reason.ts'
import { newIdentity } from './identity.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { Role, SandboxRow, Terms } from './ledger/sandbox-table.ts'
import type { Shape } from './shape.ts'

export interface LifecycleOptions {
  readonly ledger: Ledger
  readonly stateDirectory: string
  readonly uidBase: number
  readonly uidSlots: number
  readonly log: Logger
  /** Called after anything of a sandbox has changed for good: it was given out, it ended, room was made. */
  readonly changed: (row: SandboxRow) => void
}

/** One kernel that is wanted. */
export interface Plan {
  readonly id: string
  readonly role: Role
  readonly shape: Shape
  readonly terms: Terms
  readonly env: Readonly<Record<string, string>>
  /** Waits for its turn and starts the kernel. On failure nothing of it is left but what is in the spec's state folder. */
  readonly start: (spec: KernelSpec, signal: AbortSignal) => Promise<Started>
}

export interface Started {
  readonly kernel: RunningKernel
  readonly origin: Sandbox['origin']
  /** The template it is a clone of. */
  readonly template: string | undefined
}

/**
 * Brings kernels up and takes them down, one step at a time for each: everything that changes a sandbox goes through its queue, reads the
 * ledger first and writes what it is about to do (P7). Holds the running kernels; knows nothing of templates, pools and deadlines.
 */
export class Lifecycle {
  readonly #options: LifecycleOptions
  readonly #queue = new KeyedQueue()
  readonly #kernels = new Map<string, RunningKernel>()
  readonly #starting = new Map<string, AbortController>()
  #released = false

  constructor(options: LifecycleOptions) {
    this.#options = options
  }

  kernel(id: string): RunningKernel | undefined {
    return this.#kernels.get(id)
  }

  /** Resolves when the kernel runs and its agent answers. On failure or abort everything of it is gone. */
  make(plan: Plan, signal: AbortSignal): Promise<SandboxRow> {
    const stopped = new AbortController()
    this.#starting.set(plan.id, stopped)
    return this.#queue
      .run(plan.id, () => this.#make(plan, AbortSignal.any([signal, stopped.signal])))
      .finally(() => this.#starting.delete(plan.id))
  }

  /**
   * Ends a sandbox and removes all it had; one that is being made is given up. Resolves when it is done, whoever began it.
   * `when` is asked again when its turn has come.
   */
  end(id: string, reason: string | undefined, when: (row: SandboxRow) => boolean = () => true): Promise<void> {
    const row = this.#options.ledger.sandboxes.get(id)
    if (row && when(row)) {
      this.#starting
        .get(id)
        ?.abort(failure('sandbox_not_running', { id, state: 'stopping', ...(reason && { reason }) }))
    }
    return this.#queue.run(id, async () => {
      const row = this.#options.ledger.sandboxes.get(id)
      if (!row || !when(row)) return
      if (!hasEnded(row.state)) return await this.#end(row, reason)
      // It ended, and something of it could not be removed then. Of a lost one nobody knows what is left: the next start looks.
      if (row.uidSlot !== undefined && row.state !== 'lost') await this.#finish(row)
    })
  }

  /** Makes a member of the pool a caller's sandbox. Undefined when it has ended meanwhile. On failure it is a member still. */
  handOut(id: string, terms: Terms, env: Plan['env'], signal: AbortSignal): Promise<SandboxRow | undefined> {
    return this.#queue.run(id, async () => {
      const { ledger, changed } = this.#options
      const row = ledger.sandboxes.get(id)
      const kernel = this.#kernels.get(id)
      if (row?.role !== 'pool' || row.state !== 'running' || !kernel) return undefined
      // Opens the session when it is not, so that a guest that hangs is not given away.
      await kernel.channel(signal)
      if (Object.keys(env).length > 0) {
        const { identity } = kernel.handle.spec
        await kernel.configure({ ...identity, env: { ...identity.env, ...env } }, signal)
      }
      signal.throwIfAborted()
      const given = ledger.sandboxes.update(row, {
        ...terms,
        role: 'sandbox',
        origin: 'pool',
        createdAt: Date.now(),
        handle: kernel.handle,
      })
      changed(given)
      return given
    })
  }

  /** Takes over a running kernel of an earlier server. */
  adopt(row: SandboxRow, kernel: RunningKernel): void {
    this.#kernels.set(row.id, kernel)
    this.#watch(row.id, kernel)
  }

  /** Runs `task` in the sandbox's turn. */
  inTurn<Result>(id: string, task: () => Promise<Result>): Promise<Result> {
    return this.#queue.run(id, task)
  }

  /** Waits for all that is under way, then lets go of the kernels without ending them. */
  async release(): Promise<void> {
    await this.#queue.idle()
    this.#released = true
    await Promise.all([...this.#kernels.values()].map((kernel) => kernel.release()))
    this.#kernels.clear()
  }

  stateFolder(id: string): string {
    return join(this.#options.stateDirectory, 'sandboxes', id)
  }

  /** Removes what is on disk; then the uid is free, and a row nobody can ask for goes too. */
  async clear(row: SandboxRow): Promise<void> {
    const { ledger } = this.#options
    await removeTree(this.stateFolder(row.id))
    if (row.role === 'sandbox' && row.state !== 'creating') ledger.sandboxes.releaseResources(row.id)
    else ledger.sandboxes.remove(row.id)
  }

  async #make(plan: Plan, signal: AbortSignal): Promise<SandboxRow> {
    const { ledger, uidBase, uidSlots } = this.#options
    signal.throwIfAborted()
    const { id, role, shape, terms } = plan
    const { key, image, ...resources } = shape
    const row = ledger.sandboxes.insert(
      {
        ...resources,
        ...terms,
        id,
        role,
        origin: 'boot',
        shape: key,
        imageDigest: image.digest,
        createdAt: Date.now(),
        template: undefined,
      },
      uidSlots
    )
    await using undo = new AsyncDisposableStack()
    let kernelIsGone = true
    undo.defer(async () => {
      if (kernelIsGone) await this.#attempt(row, 'clear', () => this.clear(row))
    })
    const stateDirectory = this.stateFolder(id)
    await mkdir(stateDirectory, { mode: 0o700 })
    const spec: KernelSpec = {
      ...resources,
      id,
      rootImage: image.path,
      uid: uidBase + (row.uidSlot ?? 0),
      identity: newIdentity(id, image, plan.env),
      stateDirectory,
    }
    const { kernel, ...how } = await plan.start(spec, signal)
    undo.defer(async () => {
      kernelIsGone = await this.#attempt(row, 'stop', () => kernel.stop({ graceMs: 0 }))
      // What may still run keeps its uid and its folder; ending the sandbox tries again, and so does the next start.
      if (!kernelIsGone) this.#kernels.set(id, kernel)
    })
    signal.throwIfAborted()
    const running = ledger.sandboxes.transition(row, 'running', { ...how, handle: kernel.handle })
    undo.move()
    this.adopt(running, kernel)
    this.#options.changed(running)
    return running
  }

  /** Whether it succeeded. When it fails the row stays, so the next server finishes the job. The first error is the one to tell. */
  async #attempt(row: SandboxRow, step: string, task: () => Promise<unknown>): Promise<boolean> {
    try {
      await task()
      return true
    } catch (error) {
      this.#options.log.error({ sandboxId: row.id, step, err: error }, 'sandbox.undo')
      return false
    }
  }

  async #end(row: SandboxRow, reason: string | undefined): Promise<void> {
    const { ledger } = this.#options
    const stopping =
      row.state === 'stopping' ? row : ledger.sandboxes.transition(row, 'stopping', { ...(reason && { reason }) })
    // Nothing of it is kept, so an orderly power-off would only cost time.
    await this.#kernels.get(row.id)?.stop({ graceMs: 0 })
    this.#kernels.delete(row.id)
    await this.#finish(ledger.sandboxes.transition(stopping, 'stopped'))
  }

  /** Removes what is left of one that has ended. */
  async #finish(row: SandboxRow): Promise<void> {
    await this.#kernels.get(row.id)?.stop({ graceMs: 0 })
    this.#kernels.delete(row.id)
    await this.clear(row)
    this.#options.changed(row)
  }

  #watch(id: string, kernel: RunningKernel): void {
    kernel.exited
      .then((exit) => this.#queue.run(id, () => this.#exited(id, kernel, exit)))
      .catch((error) => this.#options.log.error({ sandboxId: id, err: error }, 'sandbox.exit'))
  }

  async #exited(id: string, kernel: RunningKernel, exit: KernelExit): Promise<void> {
    const { ledger, log } = this.#options
    // Ended by us meanwhile, or let go of: it is not ours any more.
    if (this.#released || this.#kernels.get(id) !== kernel) return
    const row = ledger.sandboxes.get(id)
    if (!row || hasEnded(row.state) || row.state === 'stopping') return
    const reason = exitReason(exit)
    log.info({ sandboxId: id, runtime: row.runtime, role: row.role, exit: exit.kind, reason }, 'sandbox.exit')
    if (exit.kind === 'powered_off' || exit.kind === 'stopped') return await this.#end(row, reason)
    await this.#finish(ledger.sandboxes.transition(row, 'failed', { reason }))
  }
}
