import type {
  V1MutatingAdmissionPolicy,
  V1MutatingAdmissionPolicyBinding,
  V1ValidatingAdmissionPolicy,
  V1ValidatingAdmissionPolicyBinding,
} from '@kubernetes/client-node'
import { type AsJson, type KubernetesObject, type ResourceType, resourceType } from '../controller/index.ts'

type Admission<T> = KubernetesObject & Omit<AsJson<T>, keyof KubernetesObject>
export type ValidatingPolicy = Admission<V1ValidatingAdmissionPolicy>
export type ValidatingBinding = Admission<V1ValidatingAdmissionPolicyBinding>
export type MutatingPolicy = Admission<V1MutatingAdmissionPolicy>
export type MutatingBinding = Admission<V1MutatingAdmissionPolicyBinding>

export type ValidatingPolicySpec = NonNullable<ValidatingPolicy['spec']>
export type MutatingPolicySpec = NonNullable<MutatingPolicy['spec']>

/** What they all have in common, and all that is needed to keep one as it must be. */
export type AdmissionObject = KubernetesObject & { readonly spec: object }

export const admissionGroup = 'admissionregistration.k8s.io'

const admissionType = <T extends KubernetesObject>(kind: string, plural: string, version: string): ResourceType<T> =>
  resourceType<T>({ group: admissionGroup, version, plural, kind, namespaced: false })

export const validatingPolicies = admissionType<ValidatingPolicy>(
  'ValidatingAdmissionPolicy',
  'validatingadmissionpolicies',
  'v1'
)
export const validatingBindings = admissionType<ValidatingBinding>(
  'ValidatingAdmissionPolicyBinding',
  'validatingadmissionpolicybindings',
  'v1'
)

/** Versions that say the same of what is used here, the newest first. */
export const mutatingVersions = ['v1', 'v1beta1'] as const
export type MutatingVersion = (typeof mutatingVersions)[number]

export const mutatingPolicies = (version: MutatingVersion): ResourceType<MutatingPolicy> =>
  admissionType('MutatingAdmissionPolicy', 'mutatingadmissionpolicies', version)
export const mutatingBindings = (version: MutatingVersion): ResourceType<MutatingBinding> =>
  admissionType('MutatingAdmissionPolicyBinding', 'mutatingadmissionpolicybindings', version)
