import type { Product } from '../test/support/product.ts'

/** One line of the table: what was measured beside what it is to be. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: 'ratio' | 'ms' | 'MB' | 'per s' | 'MB/s' | 'count' | 's' | '%'
  readonly target?: { readonly atMost: number } | { readonly atLeast: number }
  /** What it was divided by, the spread, and what else is needed to judge it. */
  readonly detail: string
  /** What a machine with KVM would change. */
  readonly withKvm?: string
}

export interface Bench {
  readonly name: string
  /** Needs a product that no other benchmark runs in at the same time. */
  readonly run: (product: Product) => Promise<Figure[]>
}

export const reached = ({ value, target }: Figure): boolean | undefined =>
  target && ('atMost' in target ? value <= target.atMost : value >= target.atLeast)
