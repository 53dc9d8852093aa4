import type { Power, Reach } from './rbac-reach.ts'

/** What the token of a service account opens. */
export interface AccountReport {
  /** `namespace/name`. */
  readonly name: string
  /** In all namespaces, worst first. */
  readonly cluster: readonly Power[]
  /** In single ones: at most {@link shownNamespaces}, its own first. */
  readonly namespaces: readonly { readonly name: string; readonly powers: readonly Power[] }[]
  /** How many more there are. */
  readonly furtherNamespaces: number
}

/** An account can be bound in thousands, and there can be thousands of such accounts. */
const shownNamespaces = 20

export function accountReports(names: Iterable<string>, reach: ReadonlyMap<string, Reach>): AccountReport[] {
  return [...new Set(names)].sort().flatMap((name) => {
    const found = reach.get(name)
    return found ? [accountReport(name, found)] : []
  })
}

function accountReport(name: string, { cluster, namespaces }: Reach): AccountReport {
  const own = name.slice(0, name.indexOf('/'))
  const open = [...namespaces].filter(([, list]) => list.length > 0)
  const shown = open.toSorted(([a], [b]) => Number(b === own) - Number(a === own) || (a < b ? -1 : 1))
  return {
    name,
    // Who may do everything may do the rest as well.
    cluster: cluster.includes('cluster-admin') ? ['cluster-admin'] : cluster,
    namespaces: shown.slice(0, shownNamespaces).map(([where, powers]) => ({ name: where, powers })),
    furtherNamespaces: Math.max(0, shown.length - shownNamespaces),
  }
}
