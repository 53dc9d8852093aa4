import type { Sandbox } from '../api/index.ts'
import { objectKey, type Stored } from '../controller/index.ts'
import { type MemberState, memberStateOf, poolOf } from './member-state.ts'

/** What is said of a member whose turn it would be. `wait`: as if it had no address yet. `skip`: never for this claim. */
export type Verdict = 'take' | 'wait' | 'skip'

export type Choice =
  /** Nobody else in this process is given it until it is given back. */
  | { readonly kind: 'member'; readonly sandbox: Stored<Sandbox> }
  /** There are members, but none with an address. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'none' }

export interface MemberQueueOptions {
  /** The Sandbox as it is known now. */
  readonly get: (key: string) => Stored<Sandbox> | undefined
  readonly wall: () => number
}

interface Place {
  readonly key: string
  readonly pool: string
  readonly node: string
  readonly state: MemberState
  /** Order of creation, then of name: the same after a restart. */
  readonly order: string
}

/** Members without a node yet: taken last, because they start last. */
const unscheduled = ''

/**
 * The members of all pools that claims may take, by pool and node. Takes from the node that has most of them, so that what is left is spread; there, the
 * oldest first. A look at the nodes and not at all members, because a burst of claims meets a pool of thousands.
 *
 * It holds keys, and reads what they stand for when it is asked: a write of this process shows at once.
 */
export class MemberQueue {
  readonly #options: MemberQueueOptions
  readonly #pools = new Map<string, Map<string, Place[]>>()
  readonly #places = new Map<string, Place>()
  readonly #taken = new Set<string>()
  /** Members with an address, by pool. */
  readonly #available = new Map<string, number>()

  constructor(options: MemberQueueOptions) {
    this.#options = options
  }

  /** How many members of the pool (see `poolIdOf`) have an address. */
  available(pool: string): number {
    return this.#available.get(pool) ?? 0
  }

  /** Something about this Sandbox may have changed. Returns the pool in which claims can take it now, and could not before. */
  refresh(key: string): string | undefined {
    const before = this.#places.get(key)
    const after = this.#taken.has(key) ? undefined : this.#placeOf(key)
    if (isSame(before, after)) return undefined
    if (before) this.#remove(before)
    if (after) this.#insert(after)
    const isNew = after && after.state !== 'pending' && (!before || before.state === 'pending')
    return isNew ? after.pool : undefined
  }

  /** A member of the pool (see `poolIdOf`) that `judge` lets pass. */
  take(pool: string, judge: (sandbox: Stored<Sandbox>) => Verdict): Choice {
    let pending = false
    for (const state of ['ready', 'starting', 'pending'] as const) {
      for (const { key } of this.#inOrder(pool, state)) {
        const sandbox = this.#options.get(key)
        // The view may be ahead of the watch that fills the queue.
        if (!sandbox || poolOf(sandbox) !== pool) continue
        const now = memberStateOf(sandbox, this.#options.wall())
        const verdict = now && judge(sandbox)
        if (!verdict || verdict === 'skip') continue
        if (verdict === 'take' && (now === 'ready' || (now === 'starting' && state !== 'ready'))) {
          this.#taken.add(key)
          this.refresh(key)
          return { kind: 'member', sandbox }
        }
        pending = true
        if (state === 'pending') break
      }
    }
    return { kind: pending ? 'pending' : 'none' }
  }

  /** What was taken is given back, or is nobody's to take any more. Returns as {@link refresh}. */
  release(key: string): string | undefined {
    this.#taken.delete(key)
    return this.refresh(key)
  }

  *#inOrder(pool: string, state: MemberState): Generator<Place> {
    const nodes = [...(this.#pools.get(pool)?.entries() ?? [])].toSorted(
      ([a, ofA], [b, ofB]) =>
        Number(a === unscheduled) - Number(b === unscheduled) ||
        ofB.length - ofA.length ||
        compare(ofA[0]?.order ?? '', ofB[0]?.order ?? '')
    )
    for (const [, places] of nodes) for (const place of places) if (place.state === state) yield place
  }

  #placeOf(key: string): Place | undefined {
    const sandbox = this.#options.get(key)
    const pool = sandbox && poolOf(sandbox)
    const state = sandbox && memberStateOf(sandbox, this.#options.wall())
    if (!pool || !state) return undefined
    const { creationTimestamp, name } = sandbox.metadata
    const node = sandbox.status?.nodeName || unscheduled
    return { key: objectKey(sandbox), pool, node, state, order: `${creationTimestamp} ${name}` }
  }

  #insert(place: Place): void {
    const nodes = this.#pools.get(place.pool) ?? new Map<string, Place[]>()
    this.#pools.set(place.pool, nodes)
    const places = nodes.get(place.node) ?? []
    nodes.set(place.node, places)
    places.splice(positionOf(place, places), 0, place)
    this.#places.set(place.key, place)
    this.#count(place, 1)
  }

  #remove(place: Place): void {
    const nodes = this.#pools.get(place.pool)
    const places = nodes?.get(place.node)
    if (!nodes || !places) return
    places.splice(positionOf(place, places), 1)
    if (places.length === 0) nodes.delete(place.node)
    if (nodes.size === 0) this.#pools.delete(place.pool)
    this.#places.delete(place.key)
    this.#count(place, -1)
  }

  #count({ pool, state }: Place, step: 1 | -1): void {
    if (state === 'pending') return
    const count = this.available(pool) + step
    if (count > 0) this.#available.set(pool, count)
    else this.#available.delete(pool)
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Where the place is, or would be. Names differ inside of a pool, and so do orders. */
function positionOf(place: Place, places: readonly Place[]): number {
  let from = 0
  for (let to = places.length; from < to; ) {
    const middle = (from + to) >> 1
    if (compare((places[middle] as Place).order, place.order) < 0) from = middle + 1
    else to = middle
  }
  return from
}

const isSame = (a: Place | undefined, b: Place | undefined): boolean =>
  a?.pool === b?.pool && a?.node === b?.node && a?.state === b?.state && a?.order === b?.order
