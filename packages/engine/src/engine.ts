import type { Backend, GuestEndpoint, Images } from '@bulkhead/sandbox'
import { hasKernel, newSandboxId } from '@bulkhead/sandbox'
import { CreateSandbox, type Evidence, failure, type RuntimeReport, type Sandbox } from '@bulkhead/wire'
import { Alarm } from './alarm.ts'
import type { Logger } from './config.ts'
import type { Witnesses } from './evidence.ts'
import { guard } from './guard.ts'
import type { ImageUse } from './image-use.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { SandboxRow, SandboxSummary, Terms } from './ledger/sandbox-table.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Pools } from './pools.ts'
import type { Runtimes } from './runtimes.ts'
import { type Shape, shapeOf } from './shape.ts'
import type { Starter } from './starter.ts'
import { toSandbox } from './to-sandbox.ts'

const retryMs = 5000

/** What the engine is made of; `openEngine` puts it together. */
export interface EngineParts {
  readonly stateDirectory: string
  readonly keepEndedMs: number
  readonly ledger: Ledger
  readonly lifecycle: Lifecycle
  readonly runtimes: Runtimes
  readonly starter: Starter
  readonly pools: Pools
  readonly images: ImageUse
  readonly witnesses: Witnesses
  readonly log: Logger
  /** Resolves when what goes on in the background has ended. */
  readonly background: { idle(): Promise<void> }
}

/** One machine's sandboxes. */
export class Engine implements Backend {
  readonly #parts: EngineParts
  readonly #alarm: Alarm
  readonly #closing = new AbortController()
  readonly #creating = new Set<Promise<unknown>>()
  /** After something that was due failed, when to try again. */
  #notBefore = 0
  #stopped: Promise<void> | undefined

  constructor(parts: EngineParts) {
    this.#parts = parts
    this.#alarm = new Alarm(
      () => this.#nextMoment(),
      () => this.#onAlarm()
    )
    this.#onAlarm()
  }

  get images(): Images {
    return this.#parts.images
  }

  async create(request: CreateSandbox, signal: AbortSignal): Promise<Sandbox> {
    const either = AbortSignal.any([signal, this.#closing.signal])
    const creating = this.#guard('create a sandbox', () => this.#create(request, either), either)
    this.#creating.add(creating)
    try {
      return await creating
    } finally {
      this.#creating.delete(creating)
      this.#alarm.rearm()
    }
  }

  async get(id: string): Promise<Sandbox> {
    return toSandbox(this.#row(id))
  }

  async list(filter?: { ended?: boolean }): Promise<Sandbox[]> {
    this.#parts.ledger.sandboxes.prune(Date.now() - this.#parts.keepEndedMs)
    return this.#parts.ledger.sandboxes.list({ ended: filter?.ended ?? false }).map(toSandbox)
  }

  async delete(id: string): Promise<void> {
    this.#row(id)
    await this.#guard('delete a sandbox', () => this.#parts.lifecycle.end(id, undefined))
  }

  async setDeadline(id: string, deadlineMs: number | null): Promise<Sandbox> {
    const { lifecycle, ledger } = this.#parts
    this.#row(id)
    return await this.#guard('set a deadline', () =>
      lifecycle.inTurn(id, async () => {
        const row = this.#running(id)
        const deadlineAt = deadlineMs === null ? undefined : Date.now() + deadlineMs
        const changed = ledger.sandboxes.update(row, { deadlineAt })
        this.#alarm.rearm()
        return toSandbox(changed)
      })
    )
  }

  async channel(id: string, signal: AbortSignal): Promise<GuestEndpoint> {
    // Each call of a guest comes by here: the row's handle, with all of its environment, is not read for it. The kernel has its own.
    const { state } = this.#asRunning(id, this.#asCallers(id, this.#parts.ledger.sandboxes.summary(id)))
    const kernel = this.#parts.lifecycle.kernel(id)
    if (!kernel) throw failure('sandbox_not_running', { id, state })
    const { accessToken } = kernel.handle.spec.identity
    return await this.#guard(
      'reach the guest',
      async () => ({ session: await kernel.channel(signal), accessToken }),
      signal
    )
  }

  async evidence(id: string, signal: AbortSignal): Promise<Evidence> {
    return await this.#guard('take evidence', () => this.#parts.witnesses.take(id, signal), signal)
  }

  async runtimes(options: { fresh?: boolean }, signal: AbortSignal): Promise<RuntimeReport[]> {
    const { runtimes } = this.#parts
    return await this.#guard(
      'probe the runtimes',
      () => Promise.all(runtimes.names.map((name) => runtimes.report(name, options, signal))),
      signal
    )
  }

  busy(): number {
    return this.#creating.size + this.#parts.ledger.sandboxes.busy()
  }

  /**
   * Lets go of everything without ending a sandbox: they run on, and the next engine on this state folder takes them over. What is being
   * made is given up (`server_stopping`), what is being removed is removed, the pool is ended.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<void> {
    const { pools, lifecycle, background, ledger } = this.#parts
    this.#closing.abort(failure('server_stopping', {}))
    this.#alarm.close()
    await Promise.allSettled(this.#creating)
    await pools.close()
    await background.idle()
    await lifecycle.release()
    ledger.close({ clean: true })
  }

  async #create(request: CreateSandbox, signal: AbortSignal): Promise<Sandbox> {
    const { runtimes, images, pools, lifecycle } = this.#parts
    signal.throwIfAborted()
    const wanted = validate(request)
    const placement = await runtimes.place(wanted, signal)
    return await images.withImage(wanted.image, signal, async (image) => {
      const fingerprint = await (await runtimes.get(placement.runtime)).fingerprint()
      const shape = shapeOf(wanted, placement, image, fingerprint)
      const terms: Terms = {
        image: wanted.image,
        metadata: wanted.metadata,
        deadlineAt: wanted.deadlineMs === undefined ? undefined : Date.now() + wanted.deadlineMs,
      }
      const startedAt = performance.now()
      const row =
        (await this.#takeFromPool(shape, terms, wanted.env, signal)) ??
        (await this.#make(shape, terms, wanted.env, signal))
      pools.used(shape)
      if (signal.aborted) {
        // Between the last look at the signal and here it was made after all; nobody would ever know its id.
        await lifecycle.end(row.id, undefined)
        signal.throwIfAborted()
      }
      const { id, runtime, isolation, origin } = row
      const durationMs = Math.round(performance.now() - startedAt)
      this.#parts.log.info({ sandboxId: id, runtime, isolation, origin, durationMs }, 'sandbox.create')
      return toSandbox(row)
    })
  }

  #make(shape: Shape, terms: Terms, env: Readonly<Record<string, string>>, signal: AbortSignal): Promise<SandboxRow> {
    const { lifecycle, starter } = this.#parts
    return lifecycle.make(
      {
        id: newSandboxId(),
        role: 'sandbox',
        shape,
        terms,
        env,
        start: (spec, signal) => starter.start(shape, 'foreground', spec, signal),
      },
      signal
    )
  }

  /** Undefined when no member of the pool is fit to be given away. */
  async #takeFromPool(
    shape: Shape,
    terms: Terms,
    env: Readonly<Record<string, string>>,
    signal: AbortSignal
  ): Promise<SandboxRow | undefined> {
    const { pools, lifecycle, log } = this.#parts
    for (let id = pools.take(shape.key); id; id = pools.take(shape.key)) {
      try {
        const row = await lifecycle.handOut(id, terms, env, signal)
        if (row) return row
      } catch (error) {
        await lifecycle.end(id, undefined)
        signal.throwIfAborted()
        log.warn({ sandboxId: id, err: error }, 'pool.member')
      }
    }
    return undefined
  }

  /** Fails `sandbox_not_found`. */
  #row(id: string): SandboxRow {
    return this.#asCallers(id, this.#parts.ledger.sandboxes.get(id))
  }

  /** Fails `sandbox_not_found`, `sandbox_not_running`. */
  #running(id: string): SandboxRow {
    return this.#asRunning(id, this.#row(id))
  }

  /** Fails `sandbox_not_found`. Pool members are nobody's to see. */
  #asCallers<Row extends SandboxSummary>(id: string, row: Row | undefined): Row {
    if (row?.role !== 'sandbox' || (row.endedAt ?? Infinity) <= Date.now() - this.#parts.keepEndedMs) {
      throw failure('sandbox_not_found', { id })
    }
    return row
  }

  /** Fails `sandbox_not_running`. */
  #asRunning<Row extends SandboxSummary>(id: string, row: Row): Row {
    if (hasKernel(row.state)) return row
    throw failure('sandbox_not_running', { id, state: row.state, ...(row.reason && { reason: row.reason }) })
  }

  /** Never throws: where the ledger cannot be read it is asked again later. */
  #nextMoment(): number | undefined {
    const { ledger, keepEndedMs } = this.#parts
    try {
      const end = ledger.sandboxes.firstEnd()
      const moments = [ledger.sandboxes.nextDeadline(), end === undefined ? undefined : end + keepEndedMs]
      const nearest = Math.min(...moments.filter((moment) => moment !== undefined))
      return Number.isFinite(nearest) ? Math.max(nearest, this.#notBefore) : undefined
    } catch (error) {
      this.#putOff({ err: error })
      return this.#notBefore
    }
  }

  /** Something ended: it will be forgotten in a while. */
  rearm(): void {
    this.#alarm.rearm()
  }

  #onAlarm(): void {
    void this.#endWhatIsDue()
      .catch((error) => this.#putOff({ err: error }))
      // What is due stays so until it has ended; only then is there a next moment to wait for.
      .then(() => this.#alarm.rearm())
  }

  async #endWhatIsDue(): Promise<void> {
    const { ledger, lifecycle, keepEndedMs } = this.#parts
    const now = Date.now()
    const isDue = (row: SandboxRow) => row.deadlineAt !== undefined && row.deadlineAt <= Date.now()
    const ending = ledger.sandboxes.due(now).map(async (row) => {
      try {
        await lifecycle.end(row.id, 'its deadline was reached', isDue)
      } catch (error) {
        this.#putOff({ sandboxId: row.id, err: error })
      }
    })
    try {
      ledger.sandboxes.prune(now - keepEndedMs)
    } finally {
      await Promise.all(ending)
    }
  }

  /** There is no caller to tell, and a disk without room for the ledger must not end the server. */
  #putOff(facts: { readonly sandboxId?: string; readonly err: unknown }): void {
    this.#notBefore = Date.now() + retryMs
    this.#parts.log.error(facts, 'sandbox.deadline')
  }

  #guard<Result>(operation: string, run: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    return guard(operation, { stateDirectory: this.#parts.stateDirectory, ...(signal && { signal }) }, run)
  }
}

/** The server has checked it already; a Backend may also be called by a program. Fails `invalid_request`. */
function validate(request: CreateSandbox): CreateSandbox {
  const parsed = CreateSandbox.safeParse(request)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw failure('invalid_request', {
    field: issue?.path.join('.') || 'request',
    problem: issue?.message ?? 'not valid',
  })
}
