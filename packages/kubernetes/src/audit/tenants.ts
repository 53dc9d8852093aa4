import type { PlacedPod } from './facts.ts'
import { isOwnKernel } from './kernel-class.ts'
import type { Kernel } from './kernels.ts'
import { byName, percent } from './ranking.ts'

export interface TenantReport {
  /** Namespace. */
  readonly name: string
  readonly pods: number
  readonly ownKernel: number
  /** Other tenants whose code can attack a kernel under this one's pods: how many, and the first of them by name. */
  readonly endangeredBy: { readonly count: number; readonly first: readonly string[] }
  /** Of 100: the share of its pods that no other tenant can reach through a kernel. */
  readonly score: number
}

/** A list for each of thousands of tenants, with all the others in it, would be the largest part of a report. */
const shownTenants = 10

/** Worst first; without the namespaces of the cluster's machinery. */
export function tenantReports(kernels: readonly Kernel[]): TenantReport[] {
  const under = kernels
    .filter(({ id }) => id.startsWith('node/'))
    .map((kernel) => ({ id: kernel.id, takes: kernel.takes, attackers: attackersOf(kernel) }))
  const pods = under.flatMap((kernel) => kernel.takes.filter(isSuspect).map((pod) => ({ pod, kernel })))
  const attackersOn = attackedBy()
  return [...Map.groupBy(pods, ({ pod }) => pod.namespace)]
    .map(([name, own]) => {
      const others = attackersOn(new Set(own.map(({ kernel }) => kernel)))
      const isSafe = ({ kernel: { attackers } }: (typeof own)[number]) =>
        attackers.size === 0 || (attackers.size === 1 && attackers.has(name))
      return {
        name,
        pods: own.length,
        ownKernel: own.filter(({ pod }) => isOwnKernel(pod.kernel)).length,
        endangeredBy: {
          count: others.all.size - Number(others.all.has(name)),
          first: others.first.filter((other) => other !== name).slice(0, shownTenants),
        },
        score: percent(own.filter(isSafe).length, own.length),
      }
    })
    .sort((a, b) => a.score - b.score || b.pods - a.pods || byName(a, b))
}

interface Attacked {
  readonly id: string
  readonly attackers: ReadonlySet<string>
}

/** Who attacks any of these kernels. Thousands of tenants can be on the same ones: what holds for one holds for all of them. */
function attackedBy(): (on: ReadonlySet<Attacked>) => { readonly all: ReadonlySet<string>; readonly first: string[] } {
  const known = new Map<string, { readonly all: ReadonlySet<string>; readonly first: string[] }>()
  return (on) => {
    const key = [...on].map(({ id }) => id).join('\n')
    const before = known.get(key)
    if (before) return before
    const all = new Set([...on].flatMap(({ attackers }) => [...attackers]))
    // One more than is shown: the tenant itself may be among them.
    const found = { all, first: [...all].sort().slice(0, shownTenants + 1) }
    known.set(key, found)
    return found
  }
}

const attackersOf = ({ attackers }: Kernel): ReadonlySet<string> =>
  new Set(attackers.filter(isSuspect).map(({ namespace }) => namespace))

const isSuspect = ({ trusted }: PlacedPod): boolean => !trusted
