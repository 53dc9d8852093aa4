/**
 * How urgent work is. `urgent`: somebody waits for it (a claim). `normal`: the rest. `background`: what may wait for both (the refill of a pool).
 */
export type Lane = 'urgent' | 'normal' | 'background'

/** Most urgent first. */
export const lanes = ['urgent', 'normal', 'background'] as const satisfies readonly Lane[]

const rankOf: Readonly<Record<Lane, number>> = { urgent: 0, normal: 1, background: 2 }

/** The more urgent of two. */
export const moreUrgent = (a: Lane, b: Lane): Lane => (rankOf[a] <= rankOf[b] ? a : b)

/** A lane that has been passed over this many times goes next: the least urgent work still gets about one turn in ten. */
const patience = 8

/** One place in a lane; taken out by {@link LaneQueue.remove}. */
export interface Ticket<Item> {
  readonly item: Item
  readonly lane: Lane
}

interface Place<Item> extends Ticket<Item> {
  waiting: boolean
}

/** First in, first out, in amortised constant time. A place given up stays behind as a mark until the marks outnumber the rest. */
class Fifo<Item> {
  #places: Place<Item>[] = []
  #head = 0
  #waiting = 0

  get size(): number {
    return this.#waiting
  }

  push(place: Place<Item>): void {
    this.#places.push(place)
    this.#waiting += 1
  }

  shift(): Place<Item> | undefined {
    while (this.#head < this.#places.length) {
      const place = this.#places[this.#head++] as Place<Item>
      if (!place.waiting) continue
      this.giveUp(place)
      return place
    }
    return undefined
  }

  giveUp(place: Place<Item>): void {
    place.waiting = false
    this.#waiting -= 1
    if (this.#places.length < 64 || this.#places.length < 2 * this.#waiting) return
    this.#places = this.#places.slice(this.#head).filter((other) => other.waiting)
    this.#head = 0
  }
}

/**
 * A queue with three lanes. Inside a lane, order of arrival. Between lanes the more urgent goes first, but none starves: a lane with something
 * in it that has been passed over {@link patience} times in a row is next.
 */
export class LaneQueue<Item> {
  readonly #fifos: Readonly<Record<Lane, Fifo<Item>>> = {
    urgent: new Fifo(),
    normal: new Fifo(),
    background: new Fifo(),
  }
  readonly #passedOver: Record<Lane, number> = { urgent: 0, normal: 0, background: 0 }

  get size(): number {
    return lanes.reduce((sum, lane) => sum + this.#fifos[lane].size, 0)
  }

  sizeOf(lane: Lane): number {
    return this.#fifos[lane].size
  }

  push(item: Item, lane: Lane): Ticket<Item> {
    const place: Place<Item> = { item, lane, waiting: true }
    this.#fifos[lane].push(place)
    return place
  }

  /** Without effect on what has been taken. */
  remove(ticket: Ticket<Item>): void {
    const place = ticket as Place<Item>
    if (place.waiting) this.#fifos[place.lane].giveUp(place)
  }

  shift(): Ticket<Item> | undefined {
    const lane = this.#next()
    if (!lane) return undefined
    for (const other of lanes) {
      if (other === lane || this.#fifos[other].size === 0) this.#passedOver[other] = 0
      else if (rankOf[other] > rankOf[lane]) this.#passedOver[other] += 1
    }
    return this.#fifos[lane].shift()
  }

  #next(): Lane | undefined {
    const filled = lanes.filter((lane) => this.#fifos[lane].size > 0)
    // The least urgent first among those out of patience: it has been passed over by the other as well.
    return filled.findLast((lane) => this.#passedOver[lane] >= patience) ?? filled[0]
  }
}
