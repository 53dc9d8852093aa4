import { type IsolationPolicySpec, trustLabel } from '../api/index.ts'
import { celMap, celString, celValueOf } from './cel.ts'
import { rankOf } from './isolation-classes.ts'

export interface Variable {
  readonly name: string
  readonly expression: string
}

/** What the labels of Pod and namespace say about trust. Empty where the policy knows no levels. */
export function trustVariables(spec: IsolationPolicySpec): readonly Variable[] {
  const levels = spec.trustLevels ?? []
  if (levels.length === 0) return []
  const ranks = celMap(levels.map((one) => [one.level, String(rankOf(spec, one.runtimeClassName))]))
  return [
    { name: 'trustRanks', expression: ranks },
    { name: 'podLevel', expression: celValueOf('object.metadata.?labels.orValue({})', trustLabel) },
    { name: 'namespaceLevel', expression: celValueOf('namespaceObject.metadata.?labels.orValue({})', trustLabel) },
    { name: 'podTrustRank', expression: 'variables.trustRanks[?variables.podLevel].orValue(0)' },
    { name: 'namespaceTrustRank', expression: 'variables.trustRanks[?variables.namespaceLevel].orValue(0)' },
  ]
}

/** The levels' RuntimeClass for a Pod that names none; `fallback` where neither has a level. The Pod's level counts only if it asks for no less. */
export function celRuntimeClassByTrust({ trustLevels = [] }: IsolationPolicySpec, fallback: string): string {
  if (trustLevels.length === 0) return celString(fallback)
  const names = celMap(trustLevels.map((one) => [one.level, celString(one.runtimeClassName)]))
  const byNamespace = `${names}[?variables.namespaceLevel].orValue(${celString(fallback)})`
  return `variables.podTrustRank > 0 && variables.podTrustRank >= variables.namespaceTrustRank ? ${names}[?variables.podLevel].orValue("") : ${byNamespace}`
}
