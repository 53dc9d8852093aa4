import { failure } from '@bulkhead/wire'

export interface BootSlotsOptions {
  readonly parallel: number
  readonly waiting: number
}

interface Waiter {
  readonly grant: () => void
}

/**
 * How many kernels start at once. Creates that a caller waits for go first, in their order; work in the background gets one slot, and only
 * while no create runs or waits.
 */
export class BootSlots {
  readonly #options: BootSlotsOptions
  readonly #foreground: Waiter[] = []
  readonly #background: Waiter[] = []
  #taken = 0

  constructor(options: BootSlotsOptions) {
    this.#options = options
  }

  /** Dispose of the slot when the kernel has started, or has not. Fails `capacity_exhausted` when too many wait already. */
  acquire(kind: 'foreground' | 'background', signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    const queue = kind === 'foreground' ? this.#foreground : this.#background
    if (kind === 'foreground' && queue.length >= this.#options.waiting) {
      const { waiting } = this.#options
      throw failure('capacity_exhausted', {
        resource: 'places in the queue',
        needed: 1,
        available: waiting - queue.length,
      })
    }
    const { promise, resolve, reject } = Promise.withResolvers<Disposable>()
    const onAbort = () => {
      queue.splice(queue.indexOf(waiter), 1)
      reject(signal.reason)
    }
    const waiter: Waiter = {
      grant: () => {
        signal.removeEventListener('abort', onAbort)
        resolve(this.#slot())
      },
    }
    signal.addEventListener('abort', onAbort, { once: true })
    queue.push(waiter)
    this.#grant()
    return promise
  }

  #grant(): void {
    while (this.#taken < this.#options.parallel) {
      const next = this.#foreground.shift() ?? (this.#taken === 0 ? this.#background.shift() : undefined)
      if (!next) return
      next.grant()
    }
  }

  #slot(): Disposable {
    this.#taken += 1
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (!held) return
        held = false
        this.#taken -= 1
        this.#grant()
      },
    }
  }
}
