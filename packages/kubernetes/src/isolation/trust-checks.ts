import { type IsolationPolicySpec, trustLabel } from '../api/index.ts'
import { celString, celStrings } from './cel.ts'
import type { PodCheck } from './pod-check.ts'

/** Levels that the policy does not list. */
export function trustChecks({ trustLevels = [] }: IsolationPolicySpec): readonly PodCheck[] {
  if (trustLevels.length === 0) return []
  const known = trustLevels.map(({ level }) => level)
  const check = (whose: string, variable: string): PodCheck => ({
    wrong: `!(${variable} in ${celStrings(['', ...known])})`,
    complaint: `${celString(`label ${trustLabel} of the ${whose} is "`)} + ${variable} + ${celString(`": use one of ${known.join(', ')}`)}`,
  })
  return [check('Pod', 'variables.podLevel'), check('namespace', 'variables.namespaceLevel')]
}
