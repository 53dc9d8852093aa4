/**
 * @packageDocumentation IsolationPolicies: how Pods must be isolated, compiled into admission policies of the API server, which enforces them where
 * nothing goes around; and kept there.
 */
export { boundsPlaces, failureDomainsOf } from './failure-domains-of.ts'
export type { IsolationMetrics, RepairCause } from './isolation-metrics.ts'
export { selectsLabels } from './label-selector.ts'
export { type IsolationOptions, runIsolation } from './run-isolation.ts'
export { selectedNamespaces } from './selected-namespaces.ts'
