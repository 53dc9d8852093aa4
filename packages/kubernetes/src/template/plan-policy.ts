import { type SandboxTemplate, sandboxes, sandboxTemplates } from '../api/index.ts'
import {
  controllerOf,
  controllerReference,
  isControlledBy,
  type NetworkPolicy,
  type OwnerReference,
  pods,
  refersTo,
  type Stored,
} from '../controller/index.ts'
import type { Holder } from './holders.ts'
import { isSamePolicy, type NetworkPolicySpec, policyNameOf, selectorOf } from './network-policy.ts'

/**
 * Who keeps a policy. While its template lives, the template does, as the policy's controller; beside it a few of the template's Sandboxes, with
 * their Pods, are owners as well, so that the garbage collector, which deletes what has no owner left, has no reason to touch the policy at the moment
 * the template is deleted. From then on Sandboxes and Pods are its only owners, and it goes with the last of them.
 *
 * `low`: with fewer holders than this, if there are more, the policy gets some, up to `wanted`: not each end of one costs a write, and the object stays
 * small enough for the garbage collector to rewrite it each time an owner ends.
 */
export const holderCount = Object.freeze({
  beside: Object.freeze({ low: 2, wanted: 3 }),
  alone: Object.freeze({ low: 25, wanted: 50 }),
})

export type PolicyPlan =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'create'; readonly policy: NetworkPolicy }
  /** A strategic merge patch: owners are joined by uid, so that nothing the garbage collector does meanwhile is undone. */
  | { readonly kind: 'change'; readonly body: object }
  | { readonly kind: 'delete' }
  /** Somebody else's object has the name. */
  | { readonly kind: 'foreign'; readonly owner: OwnerReference | undefined }

export interface PolicyState {
  readonly namespace: string
  /** Of the template. */
  readonly name: string
  /** Undefined: gone. */
  readonly template: Stored<SandboxTemplate> | undefined
  readonly policy: Stored<NetworkPolicy> | undefined
  /** What the template asks for; undefined: nothing. Of a template that is gone: what its policy said when it was deleted, if it was. */
  readonly wanted: NetworkPolicySpec | undefined
  readonly holders: readonly Holder[]
}

const nothing: PolicyPlan = { kind: 'nothing' }

/** What to do about a template's policy; pure. */
export function planPolicy(state: PolicyState): PolicyPlan {
  const { policy, template, name } = state
  if (policy?.metadata.deletionTimestamp) return nothing
  if (policy && !isOurs(policy, name)) return template ? { kind: 'foreign', owner: controllerOf(policy) } : nothing
  return template && !template.metadata.deletionTimestamp ? planKept(state, template) : planHeld(state)
}

/** The template lives. */
function planKept(state: PolicyState, template: Stored<SandboxTemplate>): PolicyPlan {
  const { policy, wanted, holders } = state
  if (!wanted) return policy ? { kind: 'delete' } : nothing
  const lasting = holders.filter(({ ends }) => !ends)
  const more = missingOwners(policy, lasting, holderCount.beside)
  const controller = controllerReference(sandboxTemplates, template)
  if (!policy) return { kind: 'create', policy: policyOf(state, wanted, [controller, ...more]) }
  return planChange(policy, {
    owners: isControlledBy(policy, template) ? more : [controller, ...more],
    notOwners: templatesOf(policy).filter(({ uid }) => uid !== template.metadata.uid),
    spec: isSamePolicy(policy.spec, wanted) ? undefined : wanted,
  })
}

/** The template is gone, or on its way. When nothing is left to protect, the garbage collector does the rest. */
function planHeld(state: PolicyState): PolicyPlan {
  const { policy, wanted, holders } = state
  if (holders.length === 0) return nothing
  // Each by itself: those that end soon are no reason to do without others.
  const { true: ending = [], false: lasting = [] } = Object.groupBy(holders, ({ ends }) => `${ends}`)
  const owners = [lasting, ending].flatMap((some) => missingOwners(policy, some, holderCount.alone))
  if (!policy) return wanted ? { kind: 'create', policy: policyOf(state, wanted, owners) } : nothing
  return planChange(policy, { owners, notOwners: templatesOf(policy), spec: undefined })
}

/** A policy this controller made: its template is the controller, or there is none and only Sandboxes and Pods hold it. */
export function isOurs(policy: Stored<NetworkPolicy>, template: string): boolean {
  const controller = controllerOf(policy)
  if (controller) return refersTo(controller, sandboxTemplates) && controller.name === template
  const owners = policy.metadata.ownerReferences ?? []
  const { matchLabels } = policy.spec?.podSelector ?? {}
  return (
    owners.length > 0 &&
    owners.every((owner) => refersTo(owner, sandboxes) || refersTo(owner, pods)) &&
    Object.entries(selectorOf(template).matchLabels).every(([key, value]) => matchLabels?.[key] === value)
  )
}

/** Owners to add. A holder counts when all of it is among the owners already. */
function missingOwners(
  policy: Stored<NetworkPolicy> | undefined,
  holders: readonly Holder[],
  { low, wanted }: { readonly low: number; readonly wanted: number }
): OwnerReference[] {
  const known = new Set(policy?.metadata.ownerReferences?.map(({ uid }) => uid))
  const others = holders.filter(({ owners }) => owners.some(({ uid }) => !known.has(uid)))
  const holding = holders.length - others.length
  if (holding >= Math.min(low, holders.length)) return []
  return others
    .toSorted(byProtection)
    .slice(0, wanted - holding)
    .flatMap(({ owners }) => owners.filter(({ uid }) => !known.has(uid)))
}

/** Those that have a Pod to protect first; among them any, as their uids fall: nobody knows which will live longest. */
const byProtection = (a: Holder, b: Holder): number =>
  Number(b.hasPod) - Number(a.hasPod) || ((a.owners[0]?.uid ?? '') < (b.owners[0]?.uid ?? '') ? -1 : 1)

const templatesOf = (policy: Stored<NetworkPolicy>): OwnerReference[] =>
  (policy.metadata.ownerReferences ?? []).filter((owner) => refersTo(owner, sandboxTemplates))

const policyOf = (
  { namespace, name }: PolicyState,
  spec: NetworkPolicySpec,
  ownerReferences: OwnerReference[]
): NetworkPolicy => ({ metadata: { namespace, name: policyNameOf(name), ownerReferences }, spec })

interface PolicyChange {
  readonly owners: readonly OwnerReference[]
  readonly notOwners: readonly OwnerReference[]
  readonly spec: NetworkPolicySpec | undefined
}

function planChange({ metadata: { uid } }: Stored<NetworkPolicy>, change: PolicyChange): PolicyPlan {
  const { owners, notOwners, spec } = change
  const ownerReferences = [...owners, ...notOwners.map((owner) => ({ $patch: 'delete', uid: owner.uid }))]
  if (ownerReferences.length === 0 && !spec) return nothing
  return {
    kind: 'change',
    body: {
      // Not one that was made since under the same name.
      metadata: { uid, ...(ownerReferences.length > 0 && { ownerReferences }) },
      ...(spec && { spec: { $patch: 'replace', ...spec } }),
    },
  }
}
