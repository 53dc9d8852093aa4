/** metav1.Condition. */
export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly observedGeneration?: number
  /** RFC 3339, in whole seconds: when `status` last became what it is. */
  readonly lastTransitionTime: string
}

export type NewCondition = Omit<Condition, 'lastTransitionTime'> & {
  /** Taken over from elsewhere; default: now. */
  readonly lastTransitionTime?: string
}

/** metav1.Time: RFC 3339 in whole seconds. */
export const wholeSeconds = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(0, 19)}Z`

export const findCondition = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  readableConditions(conditions).find((condition) => condition.type === type)

/** Those that are conditions; all others were written past the schema. The same array when that is all of it. */
export function readableConditions(conditions: readonly Condition[] | undefined): readonly Condition[] {
  if (!Array.isArray(conditions)) return []
  const isCondition = (condition: Partial<Condition> | undefined) => typeof condition?.type === 'string'
  return conditions.every(isCondition) ? conditions : conditions.filter(isCondition)
}

/**
 * The conditions with one set. `lastTransitionTime` moves only with the status. The same array when nothing changes, so that a caller sees by `===`
 * whether there is anything to write.
 */
export function withCondition(
  given: readonly Condition[] | undefined,
  next: NewCondition,
  wallMs: number
): readonly Condition[] {
  const conditions = readableConditions(given)
  const at = conditions.findIndex((condition) => condition.type === next.type)
  const before = conditions[at]
  const kept = before?.status === next.status ? before.lastTransitionTime : undefined
  const set: Condition = { ...next, lastTransitionTime: next.lastTransitionTime ?? kept ?? wholeSeconds(wallMs) }
  if (!before) return [...conditions, set]
  return isSame(before, set) ? conditions : conditions.with(at, set)
}

/** The conditions without one; the same array when it is not there. */
export const withoutCondition = (conditions: readonly Condition[] = [], type: string): readonly Condition[] =>
  findCondition(conditions, type)
    ? readableConditions(conditions).filter((condition) => condition.type !== type)
    : conditions

const isSame = (a: Condition, b: Condition): boolean =>
  a.status === b.status &&
  a.reason === b.reason &&
  a.message === b.message &&
  a.observedGeneration === b.observedGeneration &&
  a.lastTransitionTime === b.lastTransitionTime
