/** Longest name the API server takes for an object. */
const longestName = 253

/** What stands for the names beyond the budget. */
export const otherName = 'other'

/**
 * Keeps labels of metrics few: each value of one is memory for as long as the process lives, and these are written by whoever may make a Sandbox. So many
 * names each namespace gets; those beyond share one, so that a namespace that makes them up spoils nobody's numbers but its own.
 */
export class NameBudget {
  readonly #limit: number
  readonly #names = new Map<string, Set<string>>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The name, or what stands for it. */
  spend(namespace: string, name: string): string {
    const known = this.#names.get(namespace) ?? new Set()
    if (known.has(name)) return name
    if (known.size >= this.#limit || name.length > longestName) return otherName
    this.#names.set(namespace, known.add(name))
    return name
  }
}
