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
  const ofNodes = kernels.filter(({ id }) => id.startsWith('node/'))
  const attackers = new Map(
    ofNodes.map((kernel) => [kernel, new Set(kernel.attackers.filter(isSuspect).map(({ namespace }) => namespace))])
  )
  const pods = ofNodes.flatMap((kernel) => kernel.takes.filter(isSuspect).map((pod) => ({ pod, kernel })))
  return [...Map.groupBy(pods, ({ pod }) => pod.namespace)]
    .map(([name, own]) => {
      const under = [...new Set(own.map(({ kernel }) => kernel))]
      const others = new Set(under.flatMap((kernel) => [...(attackers.get(kernel) ?? [])]))
      others.delete(name)
      const safeUnder = new Set(under.filter((kernel) => attackers.get(kernel)?.difference(new Set([name])).size === 0))
      return {
        name,
        pods: own.length,
        ownKernel: own.filter(({ pod }) => isOwnKernel(pod.kernel)).length,
        endangeredBy: { count: others.size, first: [...others].sort().slice(0, shownTenants) },
        score: percent(own.filter(({ kernel }) => safeUnder.has(kernel)).length, own.length),
      }
    })
    .sort((a, b) => a.score - b.score || b.pods - a.pods || byName(a, b))
}

const isSuspect = ({ trusted }: PlacedPod): boolean => !trusted
