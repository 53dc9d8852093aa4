import type { Host } from '../setup/host.ts'
import { findRequirement, type Requirement, requirementsOn } from '../setup/requirements.ts'
import type { Check } from './check.ts'

/** Every program that a sandbox needs; those that only clusters and tests need are left out. */
export function packageChecks(host: Host, signal: AbortSignal): Promise<Check[]> {
  const needed = requirementsOn(host, new Set(['sandboxes']))
  return Promise.all(needed.map((requirement) => check(requirement, signal)))
}

async function check(requirement: Requirement, signal: AbortSignal): Promise<Check> {
  const name = `program.${requirement.program}`
  const finding = await findRequirement(requirement, signal)
  switch (finding.state) {
    case 'found':
      return {
        name,
        state: 'ok',
        found: finding.version ? `${finding.path}, version ${finding.version}` : finding.path,
      }
    case 'too_old':
      return {
        name,
        state: 'fail',
        found: `${finding.path}, version ${finding.version}; ${requirement.minimum?.version} is needed`,
        consequence: requirement.why,
        fix: 'bulkhead setup',
      }
    case 'missing':
      return {
        name,
        state: 'fail',
        found: 'missing',
        consequence: requirement.why,
        fix: `bulkhead setup (the Debian package ${requirement.package})`,
      }
  }
}
