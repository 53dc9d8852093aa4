import { annotation, label, normalizedCreator, type Sandbox, sandboxClaims, sandboxWarmPools } from '../../api/index.ts'
import { controllerOf, findCondition, refersTo, type Stored } from '../../controller/index.ts'

/** What stands in a label for what an object does not say. */
export const unknown = 'unknown'

export const launchTypeOf = ({ metadata }: Stored<Sandbox>): 'warm' | 'cold' | 'unknown' => {
  const value = metadata.labels?.[label.launchType]
  return value === 'warm' || value === 'cold' ? value : unknown
}

export const templateOf = ({ metadata }: Stored<Sandbox>): string =>
  metadata.annotations?.[annotation.sandboxTemplateRef] || unknown

export const creatorOf = ({ metadata }: Stored): string =>
  normalizedCreator(metadata.labels?.[label.createdBy]) ?? unknown

export function ownerKindOf(sandbox: Stored<Sandbox>): 'SandboxClaim' | 'SandboxWarmPool' | 'None' {
  const owner = controllerOf(sandbox)
  if (owner && refersTo(owner, sandboxClaims)) return 'SandboxClaim'
  return owner && refersTo(owner, sandboxWarmPools) ? 'SandboxWarmPool' : 'None'
}

/** Of `agent_sandboxes`, all but the template. */
export function gaugeLabelsOf(sandbox: Stored<Sandbox>) {
  const ready = findCondition(sandbox.status?.conditions, 'Ready')
  return {
    namespace: sandbox.metadata.namespace ?? '',
    ready_condition: String(ready?.status === 'True'),
    expired: String(ready?.reason === 'SandboxExpired'),
    launch_type: launchTypeOf(sandbox),
    owned_by: ownerKindOf(sandbox),
    created_by: creatorOf(sandbox),
  }
}
