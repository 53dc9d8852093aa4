/**
 * @packageDocumentation The kinds of `agents.x-k8s.io`, `extensions.agents.x-k8s.io` and `bulkhead.dev`, and the labels and annotations by which their objects, and
 * those who work with them, know each other.
 */
export {
  type Allowance,
  type ClassifiedRuntime,
  type FailureDomains,
  type IsolationClass,
  type IsolationPolicy,
  type IsolationPolicySpec,
  type IsolationPolicyStatus,
  isolationPolicies,
  type LabelRequirement,
  type LabelSelector,
  type PodSecurity,
  type TrustLevel,
  trustLabel,
} from './isolation-policy.ts'
export { annotation, isOwnKey, label, nameHash, normalizedCreator, ownPrefixes } from './keys.ts'
export {
  type NodeWitness,
  type NodeWitnessStatus,
  nodeWitnesses,
  type WitnessedClass,
  type WitnessedPod,
  type WitnessVerdict,
  witnessVerdicts,
} from './node-witness.ts'
export type {
  EmbeddedMetadata,
  PersistentVolumeClaimSpec,
  PodSpec,
  PodTemplate,
  VolumeClaimTemplate,
} from './pod-template.ts'
export {
  type Quarantine,
  type QuarantineConditionType,
  type QuarantineSpec,
  type QuarantineStatus,
  quarantineLabel,
  quarantines,
} from './quarantine.ts'
export {
  type KernelStatus,
  type Sandbox,
  type SandboxConditionType,
  type SandboxSpec,
  type SandboxStatus,
  sandboxes,
} from './sandbox.ts'
export {
  type ClaimEnvironmentVariable,
  type ClaimLifecycle,
  type SandboxClaim,
  type SandboxClaimSpec,
  type SandboxClaimStatus,
  sandboxClaims,
} from './sandbox-claim.ts'
export {
  type InjectionPolicy,
  type SandboxTemplate,
  type SandboxTemplateSpec,
  sandboxTemplates,
} from './sandbox-template.ts'
export {
  type SandboxWarmPool,
  type SandboxWarmPoolSpec,
  type SandboxWarmPoolStatus,
  sandboxWarmPools,
} from './sandbox-warm-pool.ts'
export { timeMs } from './time.ts'
