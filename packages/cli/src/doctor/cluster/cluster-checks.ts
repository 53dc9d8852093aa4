import type { Check } from '../check.ts'
import type { ClusterFacts } from './cluster-facts.ts'
import { isolationChecks } from './isolation-checks.ts'
import { kindChecks } from './kind-checks.ts'
import { operatorChecks } from './operator-checks.ts'

/** The first of 1.x that has ValidatingAdmissionPolicy for good: quarantine, witnesses and IsolationPolicies stand on it. */
const oldestMinor = 30

/** What a cluster lacks for Sandboxes, and the fix. */
export const clusterChecks = (facts: ClusterFacts): Check[] => [
  versionCheck(facts),
  ...kindChecks(facts),
  ...isolationChecks(facts),
  ...operatorChecks(facts),
]

function versionCheck({ version: { major, minor, gitVersion } }: ClusterFacts): Check {
  const name = 'version'
  // Some providers add a plus sign.
  const isCurrent = major !== '1' || Number.parseInt(minor, 10) >= oldestMinor
  return isCurrent
    ? { name, state: 'ok', found: gitVersion }
    : {
        name,
        state: 'fail',
        found: `${gitVersion}, and 1.${oldestMinor} is needed`,
        consequence: 'admission policies are refused, and what they are to keep apart is not',
        fix: 'upgrade the cluster',
      }
}
