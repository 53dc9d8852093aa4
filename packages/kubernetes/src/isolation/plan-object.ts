import { isDeepStrictEqual } from 'node:util'
import type { OwnerReference, Stored } from '../controller/index.ts'
import type { AdmissionObject } from './admission-resources.ts'

/** Whose admission objects are: labels for people; the operator itself goes by names. */
export const compiledLabels = (policy: string): Readonly<Record<string, string>> => ({
  'app.kubernetes.io/managed-by': 'bulkhead',
  'bulkhead.dev/isolation-policy': policy,
})

export interface ObjectState {
  readonly name: string
  readonly policy: string
  readonly owner: OwnerReference
  readonly wanted: AdmissionObject['spec']
  readonly current: Stored<AdmissionObject> | undefined
  /**
   * What the API server made of `wanted`, filling in what it has by default, when it was written last; undefined: this process has not written it
   * yet. Versions of Kubernetes differ in what they fill in, and a comparison with `wanted` would never come to rest.
   */
  readonly accepted: object | undefined
}

export type ObjectPlan =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'create'; readonly object: AdmissionObject }
  /** Where nothing differs after all, the API server writes nothing, and answers with the version it has. */
  | { readonly kind: 'replace'; readonly object: Stored<AdmissionObject> }

/** What to do about one of a policy's objects; pure. What somebody else has put under its name gives way. */
export function planObject({ name, policy, owner, wanted, current, accepted }: ObjectState): ObjectPlan {
  const labels = { ...current?.metadata.labels, ...compiledLabels(policy) }
  const mark = { labels, ownerReferences: [owner] }
  if (!current) return { kind: 'create', object: { metadata: { name, ...mark }, spec: wanted } }
  const { metadata } = current
  const isMarked =
    isDeepStrictEqual(metadata.ownerReferences, mark.ownerReferences) && isDeepStrictEqual(metadata.labels, labels)
  if (isMarked && accepted && isDeepStrictEqual(current.spec, accepted)) return { kind: 'nothing' }
  return { kind: 'replace', object: { ...current, metadata: { ...metadata, ...mark }, spec: wanted } }
}
