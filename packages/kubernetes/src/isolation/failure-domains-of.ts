import type { FailureDomains, IsolationPolicy } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { malformationOfIsolationPolicy } from '../malformation/index.ts'
import { selectsLabels } from './label-selector.ts'
import { selectedNamespaces } from './selected-namespaces.ts'

type Labels = Readonly<Record<string, string>>

/** Of a Pod that is to be made. */
export interface PodLabels {
  readonly pod: Labels
  readonly namespace: Labels
}

export type DomainsFound =
  /** Of all policies that select the Pod, in each point the strictest; empty: none says anything. */
  | { readonly kind: 'found'; readonly domains: Partial<FailureDomains> }
  /** Whether it selects the Pod cannot be told. */
  | { readonly kind: 'unreadable'; readonly why: string }

/** Whether a policy bounds where Pods may run. One that is only tried bounds nothing. */
export const boundsPlaces = ({ spec }: Pick<IsolationPolicy, 'spec'>): boolean =>
  spec?.failureDomains !== undefined && (spec.violation ?? 'Deny') === 'Deny'

/** What the policies ask for of a Pod's failure domains. `operatorNamespace` is spared as in what they are compiled to. */
export function failureDomainsOf(
  policies: Iterable<Stored<IsolationPolicy>>,
  labels: PodLabels,
  operatorNamespace: string
): DomainsFound {
  const asked: FailureDomains[] = []
  for (const policy of policies) {
    if (!boundsPlaces(policy)) continue
    const wrong = malformationOfIsolationPolicy(policy)
    if (wrong) return { kind: 'unreadable', why: `IsolationPolicy "${policy.metadata.name}": ${wrong}` }
    const { namespaceSelector, podSelector = {}, failureDomains } = policy.spec
    const isSelected =
      selectsLabels(selectedNamespaces(namespaceSelector, operatorNamespace), labels.namespace) &&
      selectsLabels(podSelector, labels.pod)
    if (isSelected && failureDomains) asked.push(failureDomains)
  }
  return { kind: 'found', domains: strictest(asked) }
}

function strictest(asked: readonly FailureDomains[]): Partial<FailureDomains> {
  const least = (bounds: readonly (number | undefined)[]) => {
    const given = bounds.filter((bound) => bound !== undefined)
    return given.length > 0 ? Math.min(...given) : undefined
  }
  const shardSize = least(asked.map((one) => one.shardSize))
  const tenantsPerNode = least(asked.map((one) => one.tenantsPerNode))
  const spread = [...new Set(asked.flatMap((one) => one.spread ?? []))].sort()
  return {
    ...(shardSize !== undefined && { shardSize }),
    ...(tenantsPerNode !== undefined && { tenantsPerNode }),
    ...(spread.length > 0 && { spread }),
  }
}
