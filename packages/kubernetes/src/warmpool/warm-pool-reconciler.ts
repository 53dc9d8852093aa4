import type { Sandbox, SandboxClaim, SandboxTemplate, SandboxWarmPool } from '../api/index.ts'
import {
  done,
  type Expectations,
  findCondition,
  type ReconcileResult,
  requeueAfter,
  type Stored,
} from '../controller/index.ts'
import {
  type Complaint,
  Complaints,
  invalidSpec,
  malformationOfTemplate,
  malformationOfWarmPool,
} from '../malformation/index.ts'
import type { OperatorContext } from '../operator/operator-context.ts'
import type { PoolPass } from './member-writer.ts'
import { activeMembers, type PoolPlan, planPool, wantedReplicas } from './plan-pool.ts'
import { inputOf, PoolMemory } from './pool-memory.ts'
import { PoolWriter } from './pool-writer.ts'
import { StatusWriter } from './status-writer.ts'
import { poolIndexValue } from './wake-pools.ts'
import { eventReason, notProgressing, progressing } from './warm-pool-events.ts'

/**
 * Between the beginnings of two passes over one pool. A pool of a thousand gets some hundred changes of members a second while it fills, and each pass
 * looks at all members.
 */
const passIntervalMs = 100
/** Requests whose outcome has not been seen yet wake the pool when it is; this is for those whose outcome never is. */
const unseenRecheckMs = 1_000

/** One that has ended takes nothing any more, however long it is kept. */
const mayTake = ({ metadata, status }: Stored<SandboxClaim>): boolean =>
  !metadata.deletionTimestamp && findCondition(status?.conditions, 'Ready')?.reason !== 'ClaimExpired'

/** Brings one pool at a time in line. */
export class WarmPoolReconciler {
  readonly #context: OperatorContext
  readonly #expectations: Expectations
  readonly #memories = new Map<string, PoolMemory>()
  readonly #writer: PoolWriter
  readonly #status: StatusWriter
  readonly #complaints: Complaints
  readonly #beganAt: number

  constructor(context: OperatorContext, expectations: Expectations) {
    // Whatever a pool does, a claim that waits goes first.
    const client = context.client.with({ lane: 'background' })
    this.#context = context
    this.#expectations = expectations
    this.#writer = new PoolWriter({ ...context, client }, expectations)
    this.#status = new StatusWriter({ ...context, client })
    this.#complaints = new Complaints(context.recorders.pool)
    this.#beganAt = context.clock.now()
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { caches, clock } = this.#context
    const pool = caches.pools.store.get(key)
    // The members of one that is deleted are the garbage collector's.
    if (!pool || pool.metadata.deletionTimestamp) {
      this.#forget(key)
      return done
    }
    const memory = this.#memoryOf(key, pool)
    const restMs = memory.passBeganAt + passIntervalMs - clock.now()
    if (restMs > 0) return requeueAfter(restMs, 'background')
    memory.passBeganAt = clock.now()
    const wrong = malformationOfWarmPool(pool)
    if (wrong) {
      this.#complaints.about(pool, { reason: invalidSpec, note: wrong })
      return done
    }
    const template = this.#templateOf(pool)
    const waits = await this.#pass({ key, pool, template, input: inputOf(template), memory, signal })
    const againMs = Math.min(...waits.filter((ms) => ms !== undefined))
    return Number.isFinite(againMs) ? requeueAfter(againMs, 'background') : done
  }

  /** A pool that was made anew under its name begins anew. */
  #memoryOf(key: string, pool: Stored<SandboxWarmPool>): PoolMemory {
    const known = this.#memories.get(key)
    if (known?.uid === pool.metadata.uid) return known
    this.#forget(key)
    const memory = new PoolMemory(pool, this.#context.settings)
    this.#memories.set(key, memory)
    return memory
  }

  #forget(key: string): void {
    this.#memories.delete(key)
    this.#expectations.forget(key)
    this.#complaints.forget(key)
  }

  /** Returns in how many ms to look again, for each reason to. */
  async #pass(pass: PoolPass): Promise<readonly (number | undefined)[]> {
    // Before anything is counted.
    await this.#writer.settle(pass, this.#isShort(pass))
    const plan = this.#plan(pass)
    this.#tell(pass, plan)
    const adoptInMs = await this.#writer.adopt(pass, plan.adopt)
    const removeInMs = await this.#writer.remove(pass, plan.remove)
    const fillInMs = await this.#writer.fill(pass, plan.missing)
    const statusInMs = await this.#status.write(pass, this.#labelled(pass.pool))
    const unseenInMs = this.#expectations.satisfied(pass.key) ? undefined : unseenRecheckMs
    return [plan.againMs, adoptInMs, removeInMs, fillInMs, statusInMs, unseenInMs]
  }

  #plan({ key, pool, template, input, memory }: PoolPass): PoolPlan {
    const { caches, clock, settings } = this.#context
    return planPool({
      pool,
      template,
      labelled: this.#labelled(pool),
      sharesLabel: caches.pools.store.by('hash', poolIndexValue(pool)).length > 1,
      isReserved: ({ metadata: { namespace, name } }) =>
        caches.claims.store.by('sandbox', `${namespace}/${name}`).some(mayTake),
      isUncertain: !this.#expectations.satisfied(key),
      replaceInMs: (ended) => memory.replacing.waitMs(ended, input, clock.now()),
      wallMs: clock.wall(),
      atWorkMs: clock.now() - this.#beganAt,
      graceMs: settings.warmPoolReadinessGracePeriodMs,
      recheckMs: settings.warmPoolUnschedulableRecheckIntervalMs,
    })
  }

  /** Once when it begins, and once when it is over. */
  #tell({ pool, memory }: PoolPass, { stuck }: PoolPlan): void {
    const isStuck = stuck.length > 0
    if (isStuck === memory.isStuck) return
    memory.isStuck = isStuck
    this.#context.recorders.pool.record(pool, isStuck ? notProgressing(stuck) : progressing)
  }

  /** Whether there are fewer members than wanted, as far as can be seen, and more can be made. */
  #isShort({ pool, template }: PoolPass): boolean {
    const active = activeMembers(pool, this.#labelled(pool)).length
    return template !== undefined && active < wantedReplicas(pool)
  }

  #labelled(pool: Stored<SandboxWarmPool>): readonly Stored<Sandbox>[] {
    return this.#context.caches.sandboxes.store.by('pool', poolIndexValue(pool))
  }

  /** One that cannot be read counts as missing, and people are told. */
  #templateOf(pool: Stored<SandboxWarmPool>): Stored<SandboxTemplate> | undefined {
    const { name } = pool.spec.sandboxTemplateRef
    const template = this.#context.caches.templates.store.get(`${pool.metadata.namespace}/${name}`)
    const wrong = template && malformationOfTemplate(template)
    const note = `SandboxTemplate "${name}": ${wrong}`
    const complaint: Complaint | undefined = wrong ? { reason: eventReason.invalidTemplate, note } : undefined
    this.#complaints.about(pool, complaint)
    return complaint ? undefined : template
  }
}
