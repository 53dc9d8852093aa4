import type { Occupancy } from './occupancy.ts'

/** How much of a tenant's sandboxes has to fall for it to count: one of them, more than half, all. */
export type Measure = 'any' | 'majority' | 'everything'

/** Those that no two separate nodes can each fulfil for one tenant. */
export type GraveMeasure = Exclude<Measure, 'any'>

export const measures: readonly Measure[] = ['any', 'majority', 'everything']

/** Sandboxes that have to fall of `size`. */
const thresholds: Readonly<Record<Measure, (size: number) => number>> = {
  any: () => 1,
  majority: (size) => Math.floor(size / 2) + 1,
  everything: (size) => size,
}

/** For each tenant, how many of its sandboxes have to fall. Who has none has nothing to lose. */
export const needs = ({ sizes }: Occupancy, measure: Measure): Int32Array =>
  sizes.map((size) => (size === 0 ? never : thresholds[measure](size)))

const never = 2 ** 31 - 1

export type Losses = Readonly<Record<Measure, number>>

/** Counts the tenants that lose when nodes fall, again and again over one occupancy. */
export class LossCounter {
  readonly #occupancy: Occupancy
  readonly #needs: readonly Int32Array[]
  readonly #fallen: Int32Array
  readonly #hit: Int32Array

  constructor(occupancy: Occupancy) {
    this.#occupancy = occupancy
    this.#needs = measures.map((measure) => needs(occupancy, measure))
    this.#fallen = new Int32Array(occupancy.tenants)
    this.#hit = new Int32Array(occupancy.tenants)
  }

  /** Tenants by measure; `except` one that does not count. No node twice. */
  count(nodes: Iterable<number>, except = -1): Losses {
    const { from, other, count } = this.#occupancy.byNode
    const fallen = this.#fallen
    const hit = this.#hit
    let hits = 0
    for (const node of nodes) {
      for (let cell = from[node] as number; cell < (from[node + 1] as number); cell++) {
        const tenant = other[cell] as number
        if (fallen[tenant] === 0) hit[hits++] = tenant
        fallen[tenant] = (fallen[tenant] as number) + (count[cell] as number)
      }
    }
    const [any, majority, everything] = this.#needs.map((need) => {
      let lost = 0
      for (let at = 0; at < hits; at++) {
        const tenant = hit[at] as number
        if (tenant !== except && (fallen[tenant] as number) >= (need[tenant] as number)) lost++
      }
      return lost
    })
    for (let at = 0; at < hits; at++) fallen[hit[at] as number] = 0
    return { any, majority, everything } as Losses
  }
}
