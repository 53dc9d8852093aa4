/** Sorted copies of what was measured; all in milliseconds unless a name says otherwise. */
export interface Summary {
  readonly n: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly min: number
  readonly max: number
}

export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError('nothing was measured')
  const sorted = values.toSorted((a, b) => a - b)
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number
  return {
    n: sorted.length,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    min: sorted[0] as number,
    max: sorted.at(-1) as number,
  }
}

/** How long `work` took, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/**
 * Runs the subject and its baseline in turns, so that what the machine does meanwhile hits both alike. The first turn of each warms up and
 * does not count.
 */
export async function inTurns<Name extends string>(
  turns: number,
  subjects: Readonly<Record<Name, () => Promise<number>>>
): Promise<Record<Name, Summary>> {
  const names = Object.keys(subjects) as Name[]
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let turn = 0; turn <= turns; turn++) {
    for (const name of names) {
      const value = await subjects[name]()
      if (turn > 0) values[name].push(value)
    }
  }
  return Object.fromEntries(names.map((name) => [name, summarize(values[name])])) as Record<Name, Summary>
}
