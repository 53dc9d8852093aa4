import type { ApiClient } from '../client/api-client.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../client/api-error.ts'
import { type Lease, leases } from '../client/core-resources.ts'
import type { Stored } from '../client/kubernetes-object.ts'
import { linkSignals } from '../client/linked-signal.ts'
import type { CallOptions } from '../client/requester.ts'
import { type Clock, sleep } from '../clock.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { LeaderMetrics } from '../telemetry/leader-metrics.ts'
import { Leadership } from './leadership.ts'
import { type ElectionStep, type Observation, observe, planElection, releasedSpec } from './lease-plan.ts'

export interface LeaderElectionOptions {
  readonly client: ApiClient
  readonly clock: Clock
  readonly namespace: string
  /** Of the Lease. */
  readonly name: string
  /** Unlike that of every other candidate, and of this process's own past: a Pod's name with its uid, or with a random part. */
  readonly identity: string
  /** How long the others wait for a sign of life. Default 15 s, as client-go's. */
  readonly leaseDurationMs?: number
  /** How long the leader writes without a successful renewal. Shorter than the lease. Default 10 s. */
  readonly renewDeadlineMs?: number
  /** Between tries. Default 2 s. */
  readonly retryPeriodMs?: number
  readonly random?: () => number
  readonly log?: Logger
  readonly metrics?: LeaderMetrics
}

/** Candidates do not ask in step. client-go's JitterFactor. */
const jitterFactor = 1.2

/**
 * One leader at a time over a Lease, with optimistic locking. What writes in the leader's name is bound to the term's fence, so that nothing is
 * sent once the term cannot be proven, whatever the process was busy with.
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions
  readonly #client: ApiClient
  readonly #clock: Clock
  readonly #leaseDurationMs: number
  readonly #renewDeadlineMs: number
  readonly #retryPeriodMs: number
  readonly #random: () => number
  readonly #log: Logger
  #seen: Observation | undefined

  constructor(options: LeaderElectionOptions) {
    const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options
    if (!(retryPeriodMs * jitterFactor < renewDeadlineMs && renewDeadlineMs < leaseDurationMs))
      throw new RangeError('leader election needs retryPeriod * 1.2 < renewDeadline < leaseDuration')
    this.#options = options
    this.#client = options.client.with({ lane: 'exempt', fence: undefined })
    this.#clock = options.clock
    this.#leaseDurationMs = leaseDurationMs
    this.#renewDeadlineMs = renewDeadlineMs
    this.#retryPeriodMs = retryPeriodMs
    this.#random = options.random ?? Math.random
    this.#log = options.log ?? silentLogger
  }

  /**
   * Waits to be elected, then runs `lead` for one term, renewing meanwhile, also while `lead` hands over. When `lead` has ended the lease is released
   * at once, so that the next leader does not have to wait. Returns then, or when `signal` aborts before the election (a try under way is waited for,
   * half a renew deadline at most); fails `leadership_lost` when the term ended against its will, after `lead` has ended, and with what `lead` throws.
   *
   * `signal`: stop being a candidate. Telling `lead` to end is the caller's: it knows the same signal.
   */
  async run(signal: AbortSignal, lead: (term: Leadership) => Promise<void>): Promise<void> {
    const term = await this.#elected(signal)
    if (!term) return
    this.#log.info(this.#facts, 'leader.elected')
    this.#options.metrics?.leads(true)
    const ended = new AbortController()
    const renewing = this.#renew(term, ended.signal)
    const [outcome] = await Promise.allSettled([(async () => lead(term))()])
    ended.abort()
    await renewing
    const lost = term.signal.aborted
    // Whatever still has the fence sends nothing from here on.
    term.lose('the term has ended')
    if (!lost) await this.#release()
    this.#options.metrics?.leads(false)
    this.#log.info({ ...this.#facts, lost }, 'leader.ended')
    if (lost) throw term.signal.reason
    if (outcome.status === 'rejected') throw outcome.reason
  }

  get #facts() {
    const { namespace, name, identity } = this.#options
    return { lease: `${namespace}/${name}`, identity }
  }

  async #elected(signal: AbortSignal): Promise<Leadership | undefined> {
    while (!signal.aborted) {
      const sentAtMs = this.#clock.now()
      try {
        // Not cut off by `signal`: a lease that was taken without being told of could not be given back.
        if (await this.#attempt(this.#renewDeadlineMs / 2)) {
          const { namespace, name } = this.#options
          return new Leadership(this.#clock, `${namespace}/${name}`, this.#renewDeadlineMs, sentAtMs)
        }
      } catch (err) {
        this.#log.warn({ ...this.#facts, err }, 'leader.attempt_failed')
      }
      const pauseMs = this.#retryPeriodMs * (1 + this.#random() * jitterFactor)
      await sleep(this.#clock, pauseMs, signal).catch(() => {})
    }
    return undefined
  }

  /** Until the term is over or `ended` aborts. */
  async #renew(term: Leadership, ended: AbortSignal): Promise<void> {
    using link = linkSignals([term.signal, ended])
    const over = link.signal
    for (;;) {
      await sleep(this.#clock, this.#retryPeriodMs, over).catch(() => {})
      if (over.aborted) return
      const sentAtMs = this.#clock.now()
      try {
        const timeoutMs = Math.min(this.#renewDeadlineMs / 2, term.remainingMs)
        if (await this.#attempt(timeoutMs, term.signal)) term.renewed(sentAtMs)
        else if (this.#holder !== this.#options.identity) term.lose(`held by ${this.#holder || 'nobody'}`)
      } catch (err) {
        // Tried again until the term's own deadline.
        if (!over.aborted) this.#log.warn({ ...this.#facts, err }, 'leader.renewal_failed')
      }
    }
  }

  /** One try to take or renew the lease. False: somebody else has it. */
  async #attempt(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const call: CallOptions = { signal, timeoutMs, retry: false }
    // Who holds the lease knows its version; everybody else has to look.
    if (this.#holder !== this.#options.identity) await this.#look(call)
    if (await this.#write(this.#plan(), call)) return true
    // The lease was changed since it was read: by somebody else, or by a renewal of our own whose answer was lost.
    await this.#look(call)
    return await this.#write(this.#plan(), call)
  }

  /** As far as is known. */
  get #holder(): string | undefined {
    return this.#seen?.lease.spec?.holderIdentity
  }

  #plan(): ElectionStep {
    const { identity } = this.#options
    const now = { monotonicMs: this.#clock.now(), wallMs: this.#clock.wall() }
    return planElection(this.#seen, { identity, leaseDurationMs: this.#leaseDurationMs }, now)
  }

  async #look(call: CallOptions): Promise<void> {
    const { namespace, name } = this.#options
    try {
      this.#seen = observe(this.#seen, await this.#client.get(leases, { namespace, name }, call), this.#clock.now())
    } catch (error) {
      if (!isNotFound(error)) throw error
      this.#seen = undefined
    }
  }

  /** False: somebody else has the lease, or was quicker. */
  async #write(step: ElectionStep, call: CallOptions): Promise<boolean> {
    if (step.kind === 'wait') return false
    try {
      const written = await this.#send(step, call)
      this.#seen = observe(this.#seen, written, this.#clock.now())
      return true
    } catch (error) {
      // Not found by a create: the namespace is missing, which is no race.
      if (isConflict(error) || isAlreadyExists(error) || (step.kind === 'replace' && isNotFound(error))) return false
      throw error
    }
  }

  #send(step: Exclude<ElectionStep, { kind: 'wait' }>, call: CallOptions): Promise<Stored<Lease>> {
    const { namespace, name } = this.#options
    return step.kind === 'create'
      ? this.#client.create(leases, { metadata: { namespace, name }, spec: step.spec }, call)
      : this.#client.replace(leases, { ...step.lease, spec: step.spec }, call)
  }

  /** Without success the next leader waits for the lease to run out: slower, and as safe. */
  async #release(): Promise<void> {
    const lease = this.#seen?.lease
    if (!lease || lease.spec?.holderIdentity !== this.#options.identity) return
    const released = { ...lease, spec: releasedSpec(lease.spec, this.#clock.wall()) }
    try {
      await this.#client.replace(leases, released, { timeoutMs: this.#renewDeadlineMs / 2, retry: false })
    } catch (err) {
      this.#log.warn({ ...this.#facts, err }, 'leader.release_failed')
    }
    this.#seen = undefined
  }
}
