import type { PlacedPod } from './facts.ts'
import type { Kernel } from './kernels.ts'
import { type Power, powers, type Reach } from './rbac-reach.ts'

/** What an attacker has who has taken a kernel. */
export interface BlastRadius {
  /** How many pods. */
  readonly pods: number
  /** Their namespaces. */
  readonly tenants: readonly string[]
  /** Whose tokens lie in them, with what these open; those that open nothing of note are not listed. */
  readonly serviceAccounts: readonly { readonly name: string; readonly powers: readonly string[] }[]
  /** The worst of these powers that holds in the whole cluster. */
  readonly worstPower: Power | undefined
  /** `namespace/name`. */
  readonly secrets: readonly string[]
  readonly privileged: readonly string[]
  /** Pods with a folder, a namespace or all rights of their node: ways to it that need no kernel exploit. */
  readonly hostAccess: readonly string[]
}

const podName = ({ namespace, name }: PlacedPod): string => `${namespace}/${name}`
const unique = (names: Iterable<string>): string[] => [...new Set(names)].sort()

export function blastRadiusOf({ takes }: Kernel, reach: ReadonlyMap<string, Reach>): BlastRadius {
  const accounts = unique(
    takes.filter(({ hasToken }) => hasToken).map(({ namespace, serviceAccount }) => `${namespace}/${serviceAccount}`)
  )
  const opened = accounts.flatMap((name) => {
    const what = reach.get(name)
    return what && hasPowers(what) ? [{ name, powers: describe(what), cluster: what.cluster }] : []
  })
  return {
    pods: takes.length,
    tenants: unique(takes.map(({ namespace }) => namespace)),
    serviceAccounts: opened.map(({ name, powers: texts }) => ({ name, powers: texts })),
    worstPower: powers.find((power) => opened.some(({ cluster }) => cluster.includes(power))),
    secrets: unique(takes.flatMap(({ namespace, secrets }) => secrets.map((secret) => `${namespace}/${secret}`))),
    privileged: takes.filter((pod) => pod.privileged).map(podName),
    hostAccess: takes.filter(touchesHost).map(podName),
  }
}

export const touchesHost = ({ privileged, hostPaths, hostNamespaces }: PlacedPod): boolean =>
  privileged || hostPaths.length > 0 || hostNamespaces.length > 0

const hasPowers = ({ cluster, namespaces }: Reach): boolean =>
  cluster.length > 0 || [...namespaces.values()].some((list) => list.length > 0)

function describe({ cluster, namespaces }: Reach): string[] {
  // Who may do everything may do the rest as well.
  if (cluster.includes('cluster-admin')) return ['cluster-admin']
  return [...cluster, ...[...namespaces].flatMap(([where, list]) => list.map((power) => `${power} in ${where}`))]
}
