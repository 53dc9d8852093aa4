import { type Quarantine, quarantineLabel } from '../api/index.ts'
import type { NetworkPolicy, Pod, Stored } from '../controller/index.ts'

type Selector = NonNullable<NetworkPolicy['spec']>['podSelector']

const prefix = 'bulkhead-quarantine-'

export const policyNameOf = (quarantineUid: string): string => `${prefix}${quarantineUid}`

/** The uid of the Quarantine that a policy is named for; undefined: for none. */
export const quarantineOf = (policyName: string): string | undefined =>
  policyName.startsWith(prefix) ? policyName.slice(prefix.length) : undefined

export const deniesAll = (quarantineUid: string) => ({
  podSelector: { matchLabels: { [quarantineLabel]: quarantineUid } },
  // A direction without rules is closed.
  policyTypes: ['Ingress', 'Egress'],
})

/** Belongs to the Pod: the garbage collector keeps it until the Pod is gone, also when the Quarantine is deleted. */
export function policyFor({ metadata: { uid, namespace } }: Stored<Quarantine>, pod: Stored<Pod>): NetworkPolicy {
  return {
    metadata: {
      name: policyNameOf(uid),
      ...(namespace && { namespace }),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid }],
    },
    spec: deniesAll(uid),
  }
}

/** Policies that let the Pod send or receive something all the same: what policies allow adds up, and a denial overrides none. */
export function allowing(policies: readonly Stored<NetworkPolicy>[], labels: Readonly<Record<string, string>>) {
  return policies.filter(
    ({ spec }) => (spec?.ingress?.length || spec?.egress?.length) && selects(spec?.podSelector, labels)
  )
}

function selects({ matchLabels = {}, matchExpressions = [] }: Selector = {}, labels: Readonly<Record<string, string>>) {
  const labelOf = (key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined)
  return (
    Object.entries(matchLabels).every(([key, value]) => labelOf(key) === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labelOf(key)
      if (operator === 'Exists') return value !== undefined
      if (operator === 'DoesNotExist') return value === undefined
      const isIn = value !== undefined && values.includes(value)
      return operator === 'In' ? isIn : !isIn
    })
  )
}
