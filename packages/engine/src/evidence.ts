import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { RunningKernel } from '@bulkhead/kernel'
import { hasKernel } from '@bulkhead/sandbox'
import { type Evidence, failure, type InsideView } from '@bulkhead/wire'
import { hostView, judge, type OtherKernel } from '@bulkhead/witness'
import type { Logger } from './config.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { Lifecycle } from './lifecycle.ts'

/** A guest that hangs makes its own evidence `unknown`, and delays that of others by this much once. */
const defaultInsideTimeoutMs = 10_000

export interface WitnessesOptions {
  readonly ledger: Ledger
  readonly lifecycle: Lifecycle
  readonly runRoot: string
  readonly log: Logger
  /** How long an inside may take to answer. Default 10 s. */
  readonly insideTimeoutMs?: number
}

/** Takes evidence (P6): what the host sees, what the inside says to a fresh nonce, both held against the host and every other kernel. */
export class Witnesses {
  readonly #options: WitnessesOptions
  /** What each kernel's inside first said; a boot id does not change while a kernel runs. */
  readonly #bootIds = new Map<string, string>()
  /** The one question each kernel gets for the sake of the others' evidence. */
  readonly #asked = new Map<string, Promise<void>>()

  constructor(options: WitnessesOptions) {
    this.#options = options
  }

  /** Fails `sandbox_not_found`, `sandbox_not_running`, `kernel_gone`. */
  async take(id: string, signal: AbortSignal): Promise<Evidence> {
    const { ledger, lifecycle, runRoot } = this.#options
    const row = ledger.sandboxes.get(id)
    if (row?.role !== 'sandbox') throw failure('sandbox_not_found', { id })
    const kernel = lifecycle.kernel(id)
    if (!kernel || !hasKernel(row.state)) {
      throw failure('sandbox_not_running', { id, state: row.state, ...(row.reason && { reason: row.reason }) })
    }
    const nonce = randomBytes(32).toString('hex')
    const [machine, host, inside, others] = await Promise.all([
      hostView(),
      kernel.witness(),
      this.#ask(id, kernel, nonce, signal),
      this.#others(id),
    ])
    const testimony = {
      hostBootId: machine.bootId,
      hostKernelRelease: machine.kernelRelease,
      host,
      ...(inside && { inside }),
    }
    const ownDirectories = [lifecycle.stateFolder(id), join(runRoot, `${row.runtime}-${id}`)]
    return {
      ...testimony,
      sandboxId: id,
      takenAt: new Date().toISOString(),
      verdict: judge({
        ...testimony,
        nonce,
        others,
        ownDirectories,
        ...(process.getuid?.() === 0 && { expectedUid: kernel.handle.spec.uid }),
      }),
    }
  }

  forget(id: string): void {
    this.#bootIds.delete(id)
    this.#asked.delete(id)
  }

  async #others(id: string): Promise<OtherKernel[]> {
    const { ledger, lifecycle } = this.#options
    const rows = ledger.sandboxes.living().filter((row) => row.id !== id)
    return await Promise.all(
      rows.map(async (row) => {
        const kernel = lifecycle.kernel(row.id)
        if (kernel && !this.#bootIds.has(row.id)) await this.#askOnce(row.id, kernel)
        const bootId = this.#bootIds.get(row.id)
        return { id: row.id, ...(row.handle && { uid: row.handle.spec.uid }), ...(bootId && { bootId }) }
      })
    )
  }

  /** Shared by all whose evidence needs the answer, so no single caller's leaving ends it. */
  #askOnce(id: string, kernel: RunningKernel): Promise<void> {
    const asking = this.#asked.get(id) ?? this.#ask(id, kernel, randomBytes(32).toString('hex')).then(() => undefined)
    this.#asked.set(id, asking)
    return asking
  }

  /** Undefined when the inside does not answer in time. */
  async #ask(id: string, kernel: RunningKernel, nonce: string, signal?: AbortSignal): Promise<InsideView | undefined> {
    const { lifecycle, insideTimeoutMs = defaultInsideTimeoutMs } = this.#options
    const timeout = AbortSignal.timeout(insideTimeoutMs)
    try {
      const inside = await kernel.inside(nonce, signal ? AbortSignal.any([signal, timeout]) : timeout)
      // It may have ended meanwhile, and been forgotten.
      if (!this.#bootIds.has(id) && lifecycle.kernel(id) === kernel) this.#bootIds.set(id, inside.bootId)
      return inside
    } catch (error) {
      signal?.throwIfAborted()
      this.#options.log.warn({ sandboxId: id, err: error }, 'evidence.inside')
      return undefined
    }
  }
}
