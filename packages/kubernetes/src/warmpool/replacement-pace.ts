import type { Sandbox } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { InputBackoff } from './input-backoff.ts'
import { createdAtMs, endOf } from './member-state.ts'

/** A Pod that lived this long says nothing about the next one: the time after which the kubelet forgets that a container crashed. */
const longLifeMs = 10 * 60_000

/**
 * When members whose Pods have ended are replaced: at once, but not over and over with an image that crashes. A generation is what there is when one of
 * it is replaced, and all of it is replaced without waiting: fifty that end within a second are one mishap. If one of the next ends young as well, it waits
 * as the kubelet lets a container that crashes: 10 s, doubling up to 5 minutes, from the beginning when none did for 10.
 */
export class ReplacementPace {
  readonly #backoff = new InputBackoff({ baseMs: 10_000, maxMs: 300_000, forgetAfterMs: longLifeMs })
  /** When the youngest of the generation was created, by the API server's clock, as its members are. */
  #generationUntil = Number.NEGATIVE_INFINITY

  /** In how many ms to replace one that has ended; 0: now. `input`: see {@link InputBackoff}. */
  waitMs(ended: Stored<Sandbox>, input: string, now: number): number {
    return this.#isOfNext(ended) ? this.#backoff.waitMs(input, now) : 0
  }

  /** `ended` are being replaced; `others` are there besides. */
  replaced(ended: readonly Stored<Sandbox>[], others: readonly Stored<Sandbox>[], input: string, now: number): void {
    if (!ended.some((sandbox) => this.#isOfNext(sandbox))) return
    this.#backoff.failed(input, now)
    this.#generationUntil = [...ended, ...others].map(createdAtMs).reduce((a, b) => Math.max(a, b))
  }

  #isOfNext(ended: Stored<Sandbox>): boolean {
    const created = createdAtMs(ended)
    const end = endOf(ended)
    const livedLong = end !== undefined && Date.parse(end.lastTransitionTime) - created >= longLifeMs
    return created > this.#generationUntil && !livedLong
  }
}
