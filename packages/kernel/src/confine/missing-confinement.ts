import { withoutRoot } from '@bulkhead/witness'
import type { CgroupParent } from './cgroup.ts'

const checks = { memory: 'memory limit', cpu: 'cpu limit', pids: 'process limit' } as const

/** What of the confinement this user on this machine cannot have, as the witness lists it; empty when all is there. */
export function missingConfinement(cgroups: CgroupParent, isRoot: boolean): string[] {
  const limits = cgroups.lacking.map((controller) =>
    isRoot ? `${checks[controller]}: ${cgroups.reasonFor(controller)}` : withoutRoot(checks[controller])
  )
  return isRoot ? limits : [withoutRoot('own uid'), ...limits]
}
