import { type Condition, type KubernetesObject, resourceType } from '../controller/index.ts'

/** How strongly the Pods of chosen namespaces are kept apart; compiled into admission policies of the API server. Of cluster scope. */
export interface IsolationPolicy extends KubernetesObject {
  readonly spec: IsolationPolicySpec
  readonly status?: IsolationPolicyStatus
}

export interface IsolationPolicySpec {
  readonly namespaceSelector: LabelSelector
  /** Unset: all Pods of these namespaces. */
  readonly podSelector?: LabelSelector
  /** The API server's default: userspace. */
  readonly minimumClass?: IsolationClass
  readonly runtimeClasses: readonly ClassifiedRuntime[]
  /** One of `runtimeClasses`. Unset: Pods must name theirs. */
  readonly defaultRuntimeClassName?: string
  readonly trustLevels?: readonly TrustLevel[]
  readonly podSecurity?: PodSecurity
  readonly failureDomains?: FailureDomains
  /** The API server's default: Deny. */
  readonly violation?: 'Deny' | 'Warn' | 'Audit'
}

/** metav1.LabelSelector. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly LabelRequirement[]
}

export interface LabelRequirement {
  readonly key: string
  /** `In`, `NotIn`, `Exists` or `DoesNotExist`; the API server lets others be stored. */
  readonly operator: string
  readonly values?: readonly string[]
}

/** Stronger ones first. */
export type IsolationClass = 'hardware' | 'userspace'

export interface ClassifiedRuntime {
  /** Of the RuntimeClass. */
  readonly name: string
  readonly class: IsolationClass
}

export interface TrustLevel {
  /** Value of the label {@link trustLabel}. */
  readonly level: string
  /** One of `runtimeClasses`. */
  readonly runtimeClassName: string
}

export type Allowance =
  | 'HostNamespaces'
  | 'HostPath'
  | 'HostPorts'
  | 'Privileged'
  | 'ServiceAccountToken'
  | 'UnconfinedSeccomp'

export interface PodSecurity {
  /** Unset: nothing. */
  readonly allow?: readonly Allowance[]
  readonly require?: readonly 'UserNamespaces'[]
}

export interface FailureDomains {
  /** Nodes that a tenant's Sandboxes may be on. */
  readonly shardSize: number
  /** Unset: no bound. */
  readonly tenantsPerNode?: number
  /** Keys of node labels. Unset: the zone. */
  readonly spread?: readonly string[]
}

export interface IsolationPolicyStatus {
  readonly conditions?: readonly Condition[]
  readonly compiled?: { readonly hash: string }
  readonly observedGeneration?: number
}

/** Of Pods and namespaces. */
export const trustLabel = 'bulkhead.dev/trust'

export const isolationPolicies = resourceType<IsolationPolicy>({
  group: 'bulkhead.dev',
  version: 'v1alpha1',
  plural: 'isolationpolicies',
  kind: 'IsolationPolicy',
  namespaced: false,
})
