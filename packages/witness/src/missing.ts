const reason = 'not started as root'

/**
 * An entry for a witness's `missing`: what `check` (a name from the table of checks) looks for cannot be had because the VMM was started by
 * a user without root. Only these excuse a check; anything else that is missing fails it.
 */
export const withoutRoot = (check: CheckName): string => `${check}: ${reason}`

/** What only root can give to a process it starts. */
export type CheckName = 'own uid' | 'memory limit' | 'cpu limit' | 'process limit'

const names: ReadonlySet<string> = new Set<CheckName>(['own uid', 'memory limit', 'cpu limit', 'process limit'])

export const excusedBy = (missing: readonly string[], check: string): boolean =>
  names.has(check) && missing.includes(`${check}: ${reason}`)
