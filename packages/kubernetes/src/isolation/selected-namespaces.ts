import type { LabelSelector } from '../api/index.ts'

/** Put on every namespace by the API server, which lets nobody change it. */
export const namespaceNameLabel = 'kubernetes.io/metadata.name'

/**
 * The namespaces a policy really is for: what its selector says, without `kube-system` and the operator's own, where a policy that nobody thought through
 * would keep the cluster itself from running. Who names one of these means it.
 */
export function selectedNamespaces(selector: LabelSelector, operatorNamespace: string): LabelSelector {
  const spared = [...new Set(['kube-system', operatorNamespace])].filter((name) => !names(selector, name))
  if (spared.length === 0) return selector
  const expression = { key: namespaceNameLabel, operator: 'NotIn', values: spared }
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), expression] }
}

const names = ({ matchLabels, matchExpressions = [] }: LabelSelector, name: string): boolean =>
  matchLabels?.[namespaceNameLabel] === name ||
  matchExpressions.some(
    ({ key, operator, values }) => key === namespaceNameLabel && operator === 'In' && values?.includes(name)
  )
