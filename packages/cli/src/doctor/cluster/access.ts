import { type ApiClient, type KubernetesObject, resourceType } from '@bulkhead/kubernetes/controller'
import {
  leadershipPermissions,
  operatorName,
  operatorPermissions,
  type Permission,
} from '@bulkhead/kubernetes/manifests'

/** One thing that the operator has to be able to do. */
export interface Need {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource?: string
  readonly name?: string
  /** Absent: in all namespaces. */
  readonly namespace?: string
  /** What it is for. */
  readonly why: string
}

export interface Access {
  readonly asked: number
  readonly denied: readonly Need[]
}

interface SubjectAccessReview extends KubernetesObject {
  readonly spec: { readonly user: string; readonly groups: readonly string[]; readonly resourceAttributes: object }
  readonly status?: { readonly allowed: boolean }
}

const subjectAccessReviews = resourceType<SubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
})

/** How many questions are under way at once. */
const lanes = 8

/** Asks the cluster’s authorizers, whichever those are, about everything the operator does. */
export async function readAccess(client: ApiClient, namespace: string, signal: AbortSignal): Promise<Access> {
  const needs = operatorNeeds(namespace)
  const waiting = needs.values()
  const denied: Need[] = []
  const lane = async () => {
    for (const need of waiting) {
      const { status } = await client.create(subjectAccessReviews, { spec: questionOf(need, namespace) }, { signal })
      if (!status?.allowed) denied.push(need)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return { asked: needs.length, denied: needs.filter((need) => denied.includes(need)) }
}

/** Every verb on every resource. */
export const operatorNeeds = (namespace: string): Need[] => [
  ...operatorPermissions.flatMap((permission) => needsOf(permission)),
  ...leadershipPermissions.flatMap((permission) => needsOf(permission, namespace)),
]

function needsOf({ apiGroups, resources, resourceNames, verbs, why }: Permission, namespace?: string): Need[] {
  const names = resourceNames ?? [undefined]
  return apiGroups.flatMap((group) =>
    resources.flatMap((path) => {
      const [resource = '', subresource] = path.split('/')
      return names.flatMap((name) =>
        verbs.map((verb) => ({
          verb,
          group,
          resource,
          ...(subresource && { subresource }),
          ...(name && { name }),
          ...(namespace && { namespace }),
          why,
        }))
      )
    })
  )
}

const questionOf = ({ why: _, ...resourceAttributes }: Need, namespace: string): SubjectAccessReview['spec'] => ({
  user: `system:serviceaccount:${namespace}:${operatorName}`,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  resourceAttributes,
})
