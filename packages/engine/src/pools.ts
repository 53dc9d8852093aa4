import { newSandboxId } from '@bulkhead/sandbox'
import { Alarm } from './alarm.ts'
import type { Logger, PoolConfig } from './config.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Shape } from './shape.ts'
import type { Starter } from './starter.ts'

/** One that takes longer to run a shell hangs. */
const warmUpTimeoutMs = 60_000

/** Shapes that members are kept ready of. */
const maxPools = 8

export interface PoolsOptions extends PoolConfig {
  readonly lifecycle: Lifecycle
  readonly starter: Starter
  readonly log: Logger
}

interface Pool {
  readonly shape: Shape
  /** Ids of members that run and that nobody has; oldest first. */
  readonly ready: string[]
  usedAt: number
}

/**
 * Sandboxes made in advance, for the shapes that were asked for lately. A member is a sandbox like any other (row, kernel, folder, id)
 * whose role is `pool`; handing it out is a change in the ledger. Filled one at a time, when no create has come for a moment.
 */
export class Pools {
  readonly #options: PoolsOptions
  readonly #pools = new Map<string, Pool>()
  readonly #expiry: Alarm
  readonly #closing = new AbortController()
  #quiet: NodeJS.Timeout | undefined
  #filling: Promise<void> | undefined
  /** Something was asked for while the pool was being filled: it must not wait for the next create. */
  #fillAgain = false

  constructor(options: PoolsOptions) {
    this.#options = options
    this.#expiry = new Alarm(
      () => this.#nextExpiry(),
      () => this.#expire()
    )
  }

  /** Takes a member out; it is the caller's to give a name to or to end. */
  take(shapeKey: string): string | undefined {
    return this.#pools.get(shapeKey)?.ready.shift()
  }

  /** A sandbox of this shape was asked for: keep some ready. */
  used(shape: Shape): void {
    if (this.#options.size === 0 || this.#closing.signal.aborted) return
    const pool = this.#pools.get(shape.key)
    if (pool) pool.usedAt = Date.now()
    else this.#pools.set(shape.key, { shape, ready: [], usedAt: Date.now() })
    this.#crowdOut()
    this.#expiry.rearm()
    this.#fillWhenQuiet()
  }

  /** It has ended by itself. */
  forget(id: string): void {
    for (const { ready } of this.#pools.values()) {
      const index = ready.indexOf(id)
      if (index >= 0) ready.splice(index, 1)
    }
  }

  /** Ends all members, of one image or of all, and makes no more until they are asked for again. Returns how many there were. */
  async drain(which: (shape: Shape) => boolean = () => true): Promise<number> {
    const ids: string[] = []
    for (const [key, pool] of this.#pools) {
      if (!which(pool.shape)) continue
      this.#pools.delete(key)
      ids.push(...pool.ready)
    }
    await Promise.all(ids.map((id) => this.#options.lifecycle.end(id, undefined)))
    return ids.length
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the pool is closed'))
    clearTimeout(this.#quiet)
    this.#expiry.close()
    await this.#filling
    await this.drain()
  }

  /** Ends the pool that was not used for longest when there are too many: one that asks for ever new shapes must not fill the machine. */
  #crowdOut(): void {
    if (this.#pools.size <= maxPools) return
    const oldest = [...this.#pools.values()].reduce((a, b) => (b.usedAt < a.usedAt ? b : a))
    this.drain((shape) => shape === oldest.shape).catch((error) =>
      this.#options.log.error({ err: error }, 'pool.expire')
    )
  }

  #fillWhenQuiet(): void {
    clearTimeout(this.#quiet)
    this.#quiet = setTimeout(() => this.#startFilling(), this.#options.quietMs)
    this.#quiet.unref()
  }

  #startFilling(): void {
    this.#fillAgain = this.#filling !== undefined
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined
      if (this.#fillAgain && !this.#closing.signal.aborted) this.#fillWhenQuiet()
    })
  }

  async #fill(): Promise<void> {
    const { signal } = this.#closing
    try {
      // Bounded: members that die as soon as they run must not keep this going.
      for (let left = this.#lacking(); left > 0; left -= 1) {
        const pool = this.#emptiest()
        if (!pool || signal.aborted) return
        await this.#add(pool, signal)
      }
    } catch (error) {
      // No room, or something is broken: the next create tells its caller, and brings us back here.
      if (!signal.aborted) this.#options.log.warn({ err: error }, 'pool.fill')
    }
  }

  async #add(pool: Pool, signal: AbortSignal): Promise<void> {
    const { lifecycle, starter } = this.#options
    const { shape } = pool
    const row = await lifecycle.make(
      {
        id: newSandboxId(),
        role: 'pool',
        shape,
        terms: { image: shape.image.digest, metadata: {}, deadlineAt: undefined },
        env: {},
        start: (spec, signal) => starter.start(shape, 'background', spec, signal),
      },
      signal
    )
    // What an emulator has translated once it need not translate for the caller's first command.
    if (shape.isolation === 'emulated') await this.#warmUp(row.id, signal)
    // Drained while this one was under way: nobody will ask for it.
    if (this.#pools.get(shape.key) === pool && lifecycle.kernel(row.id)) pool.ready.push(row.id)
    else await lifecycle.end(row.id, undefined)
  }

  async #warmUp(id: string, signal: AbortSignal): Promise<void> {
    const { lifecycle } = this.#options
    try {
      await lifecycle.kernel(id)?.warmUp(AbortSignal.any([signal, AbortSignal.timeout(warmUpTimeoutMs)]))
    } catch (error) {
      await lifecycle.end(id, undefined)
      throw error
    }
  }

  #lacking(): number {
    return [...this.#pools.values()].reduce((sum, pool) => sum + this.#options.size - pool.ready.length, 0)
  }

  /** The pool that lacks a member, most recently used first. */
  #emptiest(): Pool | undefined {
    return [...this.#pools.values()]
      .filter((pool) => pool.ready.length < this.#options.size)
      .sort((a, b) => b.usedAt - a.usedAt)[0]
  }

  #nextExpiry(): number | undefined {
    const used = [...this.#pools.values()].map((pool) => pool.usedAt)
    return used.length === 0 ? undefined : Math.min(...used) + this.#options.idleMs
  }

  #expire(): void {
    const now = Date.now()
    const expired = new Set(
      [...this.#pools.values()].filter((pool) => pool.usedAt + this.#options.idleMs <= now).map((pool) => pool.shape)
    )
    this.drain((shape) => expired.has(shape)).catch((error) => this.#options.log.error({ err: error }, 'pool.expire'))
    this.#expiry.rearm()
  }
}
