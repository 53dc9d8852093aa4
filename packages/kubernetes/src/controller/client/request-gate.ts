import type { Clock, Timer } from '../clock.ts'
import { type Lane, LaneQueue, type Ticket } from '../queue/lanes.ts'
import { TokenBucket, type TokenBucketOptions } from '../queue/token-bucket.ts'

export interface RequestGateOptions {
  readonly clock: Clock
  readonly rate: TokenBucketOptions
  /** Requests under way at once. */
  readonly inFlight: number
}

interface Waiter {
  readonly grant: () => void
}

/**
 * What every call passes before it is sent: a rate (as `kube-api-qps` and `kube-api-burst`) and a number under way at once, given out by
 * {@link Lane}. The order is made here because it is lost behind this point: a queue in the connection pool knows no urgency.
 */
export class RequestGate {
  readonly #clock: Clock
  readonly #bucket: TokenBucket
  readonly #limit: number
  readonly #waiting = new LaneQueue<Waiter>()
  #open = 0
  #timer: Timer | undefined

  constructor({ clock, rate, inFlight }: RequestGateOptions) {
    this.#clock = clock
    this.#bucket = new TokenBucket(rate)
    this.#limit = inFlight
  }

  /** How many are under way. */
  get open(): number {
    return this.#open
  }

  /** Dispose of the place when the call has ended. Rejects with the signal's reason when it aborts first. */
  enter(lane: Lane, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<Disposable>()
    const onAbort = () => {
      this.#waiting.remove(ticket)
      reject(signal.reason)
    }
    const ticket: Ticket<Waiter> = this.#waiting.push(
      {
        grant: () => {
          signal.removeEventListener('abort', onAbort)
          resolve(this.#place())
        },
      },
      lane
    )
    signal.addEventListener('abort', onAbort, { once: true })
    this.#grant()
    return promise
  }

  #grant(): void {
    while (this.#waiting.size > 0 && this.#open < this.#limit) {
      const waitMs = this.#bucket.tryTake(this.#clock.now())
      if (waitMs > 0) {
        if (Number.isFinite(waitMs)) this.#wakeIn(waitMs)
        return
      }
      this.#waiting.shift()?.item.grant()
    }
  }

  #wakeIn(ms: number): void {
    this.#timer ??= this.#clock.startTimer(ms, () => {
      this.#timer = undefined
      this.#grant()
    })
  }

  #place(): Disposable {
    this.#open += 1
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (!held) return
        held = false
        this.#open -= 1
        this.#grant()
      },
    }
  }
}
