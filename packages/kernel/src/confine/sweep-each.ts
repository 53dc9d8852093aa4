/** What a sweep throws that could not remove everything; all else has been removed. */
export class SweepIncomplete extends AggregateError {
  override readonly name = 'SweepIncomplete'
  /** Ids of which something is left. */
  readonly left: ReadonlySet<string>

  constructor(failed: ReadonlyMap<string, unknown>) {
    super([...failed.values()], `something is left of ${[...failed.keys()].join(', ')}`)
    this.left = new Set(failed.keys())
  }
}

/** Removes one after the other, also behind one that cannot be removed. Returns the ids; fails {@link SweepIncomplete} at the end. */
export async function sweepEach(ids: Iterable<string>, remove: (id: string) => Promise<void>): Promise<string[]> {
  const swept: string[] = []
  const failed = new Map<string, unknown>()
  for (const id of ids) {
    try {
      await remove(id)
      swept.push(id)
    } catch (error) {
      failed.set(id, error)
    }
  }
  if (failed.size > 0) throw new SweepIncomplete(failed)
  return swept
}
