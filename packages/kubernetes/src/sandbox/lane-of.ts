import { type Sandbox, sandboxClaims, sandboxWarmPools } from '../api/index.ts'
import { controllerOf, type Lane, refersTo, type Stored } from '../controller/index.ts'
import { conditionOf } from './conditions-of.ts'

/** How urgent a Sandbox is: somebody waits for one that a claim has had made and that is not Ready; nobody yet for those of pools. */
export function laneOf(sandbox: Stored<Sandbox>): Lane {
  const owner = controllerOf(sandbox)
  if (!owner) return 'normal'
  if (refersTo(owner, sandboxWarmPools)) return 'background'
  const isReady = conditionOf(sandbox.status, 'Ready')?.status === 'True'
  return refersTo(owner, sandboxClaims) && !isReady ? 'urgent' : 'normal'
}
