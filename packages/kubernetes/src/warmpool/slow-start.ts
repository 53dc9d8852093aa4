export interface SlowStartOptions {
  /** At most so many at once. */
  readonly limit: number
  /** Asked before each; false: no more are begun. */
  readonly goesOn: () => boolean
}

/**
 * Works on the items, first on one, and then on one more at once for each that went well: 1, 2, 4, … in a round, so that what is refused is refused
 * once and not hundreds of times. After a failure no more are begun. Resolves when those begun have ended, with what they failed of.
 */
export async function slowStart<Item>(
  items: Iterable<Item>,
  { limit, goesOn }: SlowStartOptions,
  work: (item: Item) => Promise<void>
): Promise<readonly unknown[]> {
  const errors: unknown[] = []
  const underWay = new Set<Promise<void>>()
  let width = 1
  const begin = async (item: Item) => {
    try {
      await work(item)
      width = Math.min(limit, width + 1)
    } catch (error) {
      errors.push(error)
    }
  }
  for (const item of items) {
    if (errors.length > 0 || !goesOn()) break
    const job: Promise<void> = begin(item).finally(() => underWay.delete(job))
    underWay.add(job)
    while (underWay.size >= width) await Promise.race(underWay)
  }
  await Promise.all(underWay)
  return errors
}
