import type { Sandbox } from '../api/index.ts'
import { ApiError, type Expectations, isNamespaceTerminating, type Stored } from '../controller/index.ts'
import type { OperatorContext } from '../operator/operator-context.ts'
import { memberName } from './member-name.ts'
import { MemberWriter, type PoolPass } from './member-writer.ts'
import { type Removal, wantedReplicas } from './plan-pool.ts'
import type { PoolMemory } from './pool-memory.ts'
import { slowStart } from './slow-start.ts'
import { poolIndexValue } from './wake-pools.ts'
import { memberEnded, refused } from './warm-pool-events.ts'

/** No more writes of a kind are begun in a pass after this: for the status, for what has changed meanwhile, and for the other pools. */
const longestMs = 1_000
/** Requests of one pass at once: half of what the client sends at once, and enough to keep two cores of API server busy. */
const atOnce = 16
/** What the watch will tell of a Sandbox that changed under a delete it tells sooner. */
const overtakenRecheckMs = 1_000

type Verb = keyof PoolMemory['backoff']
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
  async settle(pass: PoolPass, isShort: boolean): Promise<void> {
    const { openDeletes, openCreates } = pass.memory
    // Only when there are any: to have nothing to do is no success, and must not end the back-off of what fails.
    if (openDeletes.size > 0) await this.#attempt(pass, 'delete', () => this.#members.settleDeletes(pass))
    if (openCreates.size > 0) await this.#attempt(pass, 'create', () => this.#members.settleCreates(pass, isShort))
  }

  /** Returns in how many ms to look again, as the two below do. */
  async adopt(pass: PoolPass, ownerless: readonly Stored<Sandbox>[]): Promise<number | undefined> {
    if (ownerless.length === 0) return undefined
    const { clock } = this.#context
    const began = clock.now()
    let looked = 0
    let overtaken = false
    const goesOn = () => !pass.signal.aborted && clock.now() - began < longestMs
    const againMs = await this.#attempt(pass, 'adopt', async () => {
      const [error] = await slowStart(ownerless, { limit: atOnce, goesOn }, async (sandbox) => {
        if (!(await this.#members.adopt(pass, sandbox))) overtaken = true
        looked += 1
      })
      if (error) throw error
    })
    if (againMs !== undefined || looked < ownerless.length) return againMs ?? 0
    return overtaken ? overtakenRecheckMs : undefined
  }

  async remove(pass: PoolPass, removals: readonly Removal[]): Promise<number | undefined> {
    if (removals.length === 0) return undefined
    const removed: Removal[] = []
    const { clock, settings } = this.#context
    const began = clock.now()
    const batch = removals.slice(0, settings.warmPoolMaxBatchSize)
    const goesOn = () => !pass.signal.aborted && clock.now() - began < longestMs
    const againMs = await this.#attempt(pass, 'delete', async () => {
      const [error] = await slowStart(batch, { limit: atOnce, goesOn }, async (removal) => {
        if (await this.#members.remove(pass, removal.sandbox)) removed.push(removal)
      })
      if (error) throw error
    })
    this.#noteRemoved(pass, removed)
    // There are places to fill now.
    return removed.length > 0 ? 0 : (againMs ?? overtakenRecheckMs)
  }

  /** Creates members for so many places, as far as paces allow. */
  async fill(pass: PoolPass, missing: number | undefined): Promise<number | undefined> {
    const { clock, settings } = this.#context
    const { pool, template, memory, signal } = pass
    if (missing === undefined || !template) return undefined
    const now = clock.now()
    const { count, againMs } = memory.refill.take(missing, wantedReplicas(pool), now)
    if (count === 0) return againMs
    let made = 0
    const goesOn = () => !signal.aborted && clock.now() - now < longestMs
    const retryMs = await this.#attempt(pass, 'create', async () => {
      const names = this.#newNames(pass, Math.min(count, settings.warmPoolMaxBatchSize))
      const [error] = await slowStart(names, { limit: atOnce, goesOn }, async (name) => {
        await this.#members.create(pass, template, name)
        made += 1
      })
      if (error) throw error
    })
    memory.refill.filled(made)
    return retryMs ?? (made < count ? 0 : againMs)
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

  /** Unless an earlier failure is too fresh. Returns in how many ms to try again; undefined: it went well. Throws when the pass has been ended. */
  async #attempt({ key, pool, memory, input, signal }: PoolPass, verb: Verb, work: () => Promise<void>) {
    const { clock, log, recorders } = this.#context
    const backoff = memory.backoff[verb]
    const waitMs = backoff.waitMs(input, clock.now())
    if (waitMs > 0) return waitMs
    try {
      await work()
      backoff.succeeded()
      return undefined
    } catch (err) {
      signal.throwIfAborted()
      log.warn({ pool: key, verb, err }, 'warmpool.write_failed')
      if (isRefusal(err)) recorders.pool.record(pool, refused(verb, err))
      backoff.failed(input, clock.now())
      return backoff.waitMs(input, clock.now())
    }
  }
}

/** Worth telling people; but not that a namespace on its way out takes nothing in. */
const isRefusal = (error: unknown): boolean => error instanceof ApiError && !isNamespaceTerminating(error)
