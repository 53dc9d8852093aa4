import { failure } from '@bulkhead/wire/errors'
import { type ApiClient, type KubernetesObject, resourceType } from '../controller/index.ts'

/** The node that this process's token is bound to. */
export interface WitnessIdentity {
  readonly node: string
  readonly nodeUid: string
}

interface SelfSubjectReview extends KubernetesObject {
  readonly status?: { readonly userInfo?: { readonly extra?: Readonly<Record<string, readonly string[]>> } }
}

const selfSubjectReviews = resourceType<SelfSubjectReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'selfsubjectreviews',
  kind: 'SelfSubjectReview',
  namespaced: false,
})

/** Of a token that a kubelet has had made for a Pod: where that Pod runs. */
export const nodeClaims = {
  name: 'authentication.kubernetes.io/node-name',
  uid: 'authentication.kubernetes.io/node-uid',
} as const

/**
 * Asks the API server who this process is: what the admission policy will hold it to, rather than what somebody wrote into its environment. Fails
 * `witness_unbound` when its token is bound to no node.
 */
export async function witnessIdentity(client: ApiClient, signal: AbortSignal): Promise<WitnessIdentity> {
  const { status } = await client.create(selfSubjectReviews, {} as SelfSubjectReview, { signal })
  const [node] = status?.userInfo?.extra?.[nodeClaims.name] ?? []
  const [nodeUid] = status?.userInfo?.extra?.[nodeClaims.uid] ?? []
  if (!node || !nodeUid) throw failure('witness_unbound', {})
  return { node, nodeUid }
}
