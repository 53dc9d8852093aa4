import type { Clock } from './clock.ts'

interface Expected {
  readonly creates: Set<string>
  readonly deletes: Set<string>
  sinceMs: number
}

/** As in Kubernetes' own controllers (`ExpectationsTimeout`): by then the watch has told, or never will. */
const defaultMaxAgeMs = 5 * 60_000

/**
 * What a controller has asked for and not yet seen: names of objects it creates, uids of objects it deletes, per key it reconciles. Until all of it has
 * been seen (or the request failed, or too much time has passed) the cache tells too little to count children by, and counting again would make
 * too many. Names are chosen before creating, so that what is awaited is known by name and not by number.
 */
export class Expectations {
  readonly #clock: Clock
  readonly #maxAgeMs: number
  readonly #byKey = new Map<string, Expected>()

  constructor(clock: Clock, maxAgeMs: number = defaultMaxAgeMs) {
    this.#clock = clock
    this.#maxAgeMs = maxAgeMs
  }

  /** Before the request is sent: its event may come before its answer. */
  expectCreate(key: string, name: string): void {
    this.#of(key).creates.add(name)
  }

  expectDelete(key: string, uid: string): void {
    this.#of(key).deletes.add(uid)
  }

  /** Seen, or the request has certainly failed. */
  created(key: string, name: string): void {
    this.#settle(key, (expected) => expected.creates.delete(name))
  }

  /** Seen, or the request has certainly failed. */
  deleted(key: string, uid: string): void {
    this.#settle(key, (expected) => expected.deletes.delete(uid))
  }

  /** Whether the cache shows all that was asked for. */
  satisfied(key: string): boolean {
    const expected = this.#byKey.get(key)
    if (!expected) return true
    if (this.#clock.now() - expected.sinceMs < this.#maxAgeMs) return false
    this.#byKey.delete(key)
    return true
  }

  /** How many creates and deletes are awaited: for one who has to count in between. */
  pending(key: string): { readonly creates: number; readonly deletes: number } {
    const expected = this.#byKey.get(key)
    return { creates: expected?.creates.size ?? 0, deletes: expected?.deletes.size ?? 0 }
  }

  /** The object behind the key is gone. */
  forget(key: string): void {
    this.#byKey.delete(key)
  }

  #of(key: string): Expected {
    const expected = this.#byKey.get(key) ?? { creates: new Set(), deletes: new Set(), sinceMs: 0 }
    expected.sinceMs = this.#clock.now()
    this.#byKey.set(key, expected)
    return expected
  }

  #settle(key: string, remove: (expected: Expected) => void): void {
    const expected = this.#byKey.get(key)
    if (!expected) return
    remove(expected)
    if (expected.creates.size + expected.deletes.size === 0) this.#byKey.delete(key)
  }
}
