/** Part of a merge patch: null removes. */
export type KeyChanges = Readonly<Record<string, string | null>>

/**
 * What brings labels or annotations in line: what is wanted is set, what is managed and not wanted is removed, the rest is somebody else's. Undefined:
 * nothing to do.
 */
export function metadataDrift(
  live: Readonly<Record<string, string>> = {},
  wanted: Readonly<Record<string, string>>,
  managed: Iterable<string>
): KeyChanges | undefined {
  const set = Object.entries(wanted).filter(([key, value]) => live[key] !== value)
  const removed = [...managed].filter((key) => Object.hasOwn(live, key) && !Object.hasOwn(wanted, key))
  if (set.length + removed.length === 0) return undefined
  return Object.fromEntries([...set, ...removed.map((key) => [key, null] as const)])
}
