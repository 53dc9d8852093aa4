import { type PlacedPod, podKey } from './facts.ts'
import type { Kernel } from './kernels.ts'
import { type Power, powers, type Reach } from './rbac-reach.ts'

/** What an attacker has who has taken a kernel. */
export interface BlastRadius {
  /** How many pods, the cluster's machinery included. */
  readonly pods: number
  /** Namespaces, without those of the machinery. */
  readonly tenants: readonly string[]
  /** Whose tokens lie in them, as `namespace/name`: those that open anything of note, see the report's `accounts`. */
  readonly serviceAccounts: readonly string[]
  /** The worst that one of these tokens opens in the whole cluster. */
  readonly worstPower: Power | undefined
  /** `namespace/name`. */
  readonly secrets: readonly string[]
  readonly privileged: readonly string[]
  /** Pods with a folder, a namespace or strong rights of their node: ways to it that need no kernel exploit. */
  readonly hostAccess: readonly string[]
}

const unique = (names: Iterable<string>): string[] => [...new Set(names)].sort()

export function blastRadiusOf({ takes }: Kernel, reach: ReadonlyMap<string, Reach>): BlastRadius {
  const accounts = unique(takes.filter(({ hasToken }) => hasToken).map(accountOf)).filter((name) => {
    const what = reach.get(name)
    return what !== undefined && opensAnything(what)
  })
  return {
    pods: takes.length,
    tenants: unique(takes.filter(({ trusted }) => !trusted).map(({ namespace }) => namespace)),
    serviceAccounts: accounts,
    worstPower: powers.find((power) => accounts.some((name) => reach.get(name)?.cluster.includes(power))),
    secrets: unique(takes.flatMap(({ namespace, secrets }) => secrets.map((secret) => `${namespace}/${secret}`))),
    privileged: takes.filter(({ privileged }) => privileged).map(podKey),
    hostAccess: takes.filter((pod) => accessToHost(pod).length > 0).map(podKey),
  }
}

export const accountOf = ({ namespace, serviceAccount }: PlacedPod): string =>
  podKey({ namespace, name: serviceAccount })

/** Everything of its node that a pod was given, in words. */
export const accessToHost = ({ privileged, capabilities, hostNamespaces, hostPaths }: PlacedPod): string[] => [
  ...(privileged ? ['privileged'] : []),
  ...capabilities.map((name) => `capability ${name}`),
  ...hostNamespaces.map((name) => `host ${name} namespace`),
  ...hostPaths.map(({ path, writable }) => `${writable ? 'writable ' : ''}hostPath ${path}`),
]

export const opensAnything = ({ cluster, namespaces }: Reach): boolean =>
  cluster.length > 0 || [...namespaces.values()].some((list) => list.length > 0)
