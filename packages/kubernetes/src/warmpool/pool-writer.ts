import type { Sandbox } from '../api/index.ts'
import { ApiError, type Expectations, isNamespaceTerminating, type Stored } from '../controller/index.ts'
import type { OperatorContext } from '../operator/operator-context.ts'
import { memberName } from './member-name.ts'
import { MemberWriter, type PoolPass } from './member-writer.ts'
import { type Removal, wantedReplicas } from './plan-pool.ts'
import { slowStart } from './slow-start.ts'
import { poolIndexValue } from './wake-pools.ts'
import { failedCreate, memberEnded } from './warm-pool-events.ts'

/** A pass that creates ends after this: for the status, for what has changed meanwhile, and for the other pools. */
const fillForMs = 1_000
/** Requests of one pass at once: half of what the client sends at once, and enough to keep two cores of API server busy. */
const atOnce = 16
/** What the watch will tell of a Sandbox that changed under a delete it tells sooner. */
const overtakenRecheckMs = 1_000

type Context = Pick<OperatorContext, 'client' | 'caches' | 'clock' | 'settings' | 'log' | 'recorders'>

/** Carries out what a pass has decided: many writes, some at once, with back-off for those that fail. */
export class PoolWriter {
  readonly #context: Context
  readonly #members: MemberWriter

  constructor(context: Context, expectations: Expectations) {
    const { client, caches, settings } = context
    this.#context = context
    this.#members = new MemberWriter({
      client,
      sandboxes: caches.sandboxes,
      expectations,
      evictable: settings.enableWarmPoolEviction,
    })
  }

  /** Finds out about earlier writes without an answer. While there are any, the pool's members cannot be counted. */
  async settle(pass: PoolPass): Promise<void> {
    if (this.#backoffMs(pass) > 0) return
    await this.#members.settle(pass).catch((error) => this.#failed(pass, error))
  }

  async adopt(pass: PoolPass, ownerless: readonly Stored<Sandbox>[]): Promise<void> {
    for (const sandbox of ownerless) await this.#members.adopt(pass, sandbox)
  }

  /** Returns in how many ms to look again. */
  async remove(pass: PoolPass, removals: readonly Removal[]): Promise<number | undefined> {
    if (removals.length === 0) return undefined
    const backoffMs = this.#backoffMs(pass)
    if (backoffMs > 0) return backoffMs
    const removed: Removal[] = []
    const batch = removals.slice(0, this.#context.settings.warmPoolMaxBatchSize)
    const goesOn = () => !pass.signal.aborted
    const [error] = await slowStart(batch, { limit: atOnce, goesOn }, async (removal) => {
      if (await this.#members.remove(pass, removal.sandbox)) removed.push(removal)
    })
    this.#noteRemoved(pass, removed)
    if (error) return this.#failed(pass, error)
    pass.memory.writing.succeeded()
    // There are places to fill now.
    return removed.length > 0 ? 0 : overtakenRecheckMs
  }

  /** Creates members for so many places, as far as paces allow. Returns in how many ms to look again. */
  async fill(pass: PoolPass, missing: number | undefined): Promise<number | undefined> {
    const { clock, settings } = this.#context
    const { pool, template, memory, signal } = pass
    if (missing === undefined || !template) return undefined
    const backoffMs = this.#backoffMs(pass)
    if (backoffMs > 0) return backoffMs
    const now = clock.now()
    const { count, againMs } = memory.refill.take(missing, wantedReplicas(pool) ?? 0, now)
    if (count === 0) return againMs
    let made = 0
    const names = this.#newNames(pass, Math.min(count, settings.warmPoolMaxBatchSize))
    const goesOn = () => !signal.aborted && clock.now() - now < fillForMs
    const [error] = await slowStart(names, { limit: atOnce, goesOn }, async (name) => {
      await this.#members.create(pass, template, name)
      made += 1
    })
    memory.refill.filled(made)
    if (error) return this.#failed(pass, error)
    memory.writing.succeeded()
    return made < count ? 0 : againMs
  }

  #noteRemoved({ pool, memory, input }: PoolPass, removed: readonly Removal[]): void {
    const { caches, clock, recorders } = this.#context
    memory.refill.removed(removed.filter(({ reason }) => reason !== 'surplus' && reason !== 'ownerless').length)
    const ended = removed.filter(({ reason }) => reason === 'ended').map(({ sandbox }) => sandbox)
    if (ended.length === 0) return
    const others = caches.sandboxes.store.by('pool', poolIndexValue(pool))
    memory.replacing.replaced(ended, others, input, clock.now())
    recorders.pool.record(pool, memberEnded(ended))
  }

  #newNames({ pool }: PoolPass, count: number): ReadonlySet<string> {
    const { store } = this.#context.caches.sandboxes
    const { namespace, name } = pool.metadata
    const names = new Set<string>()
    while (names.size < count) {
      const next = memberName(name)
      if (!store.get(`${namespace}/${next}`)) names.add(next)
    }
    return names
  }

  /** Returns in how many ms to try again; throws when it is this pass that has been ended. */
  #failed(pass: PoolPass, err: unknown): number {
    pass.signal.throwIfAborted()
    const { log, recorders, clock } = this.#context
    log.warn({ pool: pass.key, err }, 'warmpool.write_failed')
    if (isRefusedCreate(err)) recorders.pool.record(pass.pool, failedCreate(err))
    pass.memory.writing.failed(pass.input, clock.now())
    return this.#backoffMs(pass)
  }

  #backoffMs({ memory, input }: PoolPass): number {
    return memory.writing.waitMs(input, this.#context.clock.now())
  }
}

/** Worth telling people; but not that a namespace on its way out takes nothing in. */
const isRefusedCreate = (error: unknown): boolean =>
  error instanceof ApiError && error.operation.startsWith('POST ') && !isNamespaceTerminating(error)
