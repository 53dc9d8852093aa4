import { type Condition, type KubernetesObject, resourceType } from '../controller/index.ts'

/** Takes the Pod of a Sandbox out of service, as one that may be compromised. */
export interface Quarantine extends KubernetesObject {
  readonly spec: QuarantineSpec
  readonly status?: QuarantineStatus
}

export interface QuarantineSpec {
  /** In the same namespace. */
  readonly sandboxRef: { readonly name: string; readonly uid?: string }
  readonly reason?: string
  /** How long the Pod is kept, like `1h30m`. The API server's default: 1h; at most 24h. `0s`: it is killed at once. */
  readonly retention?: string
}

export interface QuarantineStatus {
  readonly conditions?: readonly Condition[]
  readonly podName?: string
  readonly podUID?: string
  readonly sandboxUID?: string
  readonly claimName?: string
  /** RFC 3339. */
  readonly startedAt?: string
  readonly endsAt?: string
}

export type QuarantineConditionType = 'TrafficCut' | 'TokensInvalidated' | 'Replaced' | 'Ended'

export const quarantines = resourceType<Quarantine>({
  group: 'bulkhead.dev',
  version: 'v1alpha1',
  plural: 'quarantines',
  kind: 'Quarantine',
  namespaced: true,
})

/** Pod: the uid of the Quarantine that it is in. It has no other label then. */
export const quarantineLabel = 'bulkhead.dev/quarantine'
