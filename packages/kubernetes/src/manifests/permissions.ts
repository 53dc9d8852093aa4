import {
  isolationPolicies,
  nodeWitnesses,
  quarantines,
  sandboxClaims,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../api/index.ts'
import { leaseName, serverKeySecretName } from './names.ts'

/** A rule of a role, and why it is there. */
export interface Permission {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly why: string
}

const allow = (group: string, resources: readonly string[], verbs: readonly string[], why: string): Permission => ({
  apiGroups: [group],
  resources,
  verbs,
  why,
})
const { group: agents } = sandboxes
const { group: extensions } = sandboxClaims
const read = ['get', 'list', 'watch']
/** What a cache needs. */
const follow = ['list', 'watch']

/** In all namespaces. What is not here the operator cannot do: no Secrets, no exec, no roles, no deleting by collection. */
export const operatorPermissions: readonly Permission[] = [
  allow(
    agents,
    [sandboxes.plural],
    [...read, 'create', 'patch', 'delete'],
    'makes Sandboxes for pools and claims, hands them over, and deletes them when they have expired'
  ),
  allow(agents, [`${sandboxes.plural}/status`], ['patch'], 'says how they are'),
  allow(
    agents,
    [`${sandboxes.plural}/finalizers`],
    ['update'],
    'owns Pods, Services and volume claims in a Sandbox’s name and has its deletion wait for them: where OwnerReferencesPermissionEnforcement is on, that takes this permission'
  ),
  allow(
    extensions,
    [sandboxClaims.plural],
    [...read, 'patch', 'delete'],
    'notes in a claim which Sandbox it was given, and deletes it when it has expired'
  ),
  allow(
    extensions,
    [sandboxTemplates.plural],
    [...follow, 'patch'],
    'labels templates, so that their Pods’ NetworkPolicy finds them'
  ),
  allow(extensions, [sandboxWarmPools.plural], follow, 'keeps pools full'),
  allow(
    extensions,
    [`${sandboxClaims.plural}/status`, `${sandboxWarmPools.plural}/status`],
    ['patch'],
    'says how they are'
  ),
  allow(
    extensions,
    [sandboxClaims, sandboxTemplates, sandboxWarmPools].map(({ plural }) => `${plural}/finalizers`),
    ['update'],
    'owns Sandboxes in the name of claims and pools, and NetworkPolicies in that of templates; as above'
  ),
  allow(
    '',
    ['pods'],
    [...read, 'create', 'patch', 'delete'],
    'runs a Sandbox’s Pod, keeps its labels and annotations in step, takes over one that is marked for it, and suspends by deleting it'
  ),
  allow('', ['services'], [...read, 'create', 'patch', 'delete'], 'keeps a Sandbox’s headless Service'),
  allow(
    '',
    ['persistentvolumeclaims'],
    ['get', 'create', 'patch', 'delete'],
    'makes a Sandbox’s volumes and takes over those that are marked for it; never deletes one, but to become the owner takes the permission to, where OwnerReferencesPermissionEnforcement is on'
  ),
  allow(
    'networking.k8s.io',
    ['networkpolicies'],
    [...read, 'create', 'patch', 'delete'],
    'keeps the NetworkPolicy of each template, and of each Pod in quarantine'
  ),
  allow(quarantines.group, [quarantines.plural], follow, 'puts Pods into quarantine; makes no Quarantine itself'),
  allow(quarantines.group, [`${quarantines.plural}/status`], ['patch'], 'says how they are'),
  allow(
    quarantines.group,
    [`${quarantines.plural}/finalizers`],
    ['update'],
    'owns Pods in the name of Quarantines; as above'
  ),
  allow(
    isolationPolicies.group,
    [isolationPolicies.plural],
    follow,
    'compiles IsolationPolicies, and keeps Pods to the failure domains that they ask for'
  ),
  allow('', ['nodes'], follow, 'chooses the nodes of a tenant, where an IsolationPolicy bounds them'),
  allow('', ['namespaces'], follow, 'knows by their labels which an IsolationPolicy selects'),
  allow('node.k8s.io', ['runtimeclasses'], follow, 'knows on which nodes a RuntimeClass has Pods run'),
  allow(isolationPolicies.group, [`${isolationPolicies.plural}/status`], ['patch'], 'says how they are'),
  allow(
    isolationPolicies.group,
    [`${isolationPolicies.plural}/finalizers`],
    ['update'],
    'owns admission policies in their name; as above'
  ),
  allow(
    'admissionregistration.k8s.io',
    [
      'validatingadmissionpolicies',
      'validatingadmissionpolicybindings',
      'mutatingadmissionpolicies',
      'mutatingadmissionpolicybindings',
    ],
    [...follow, 'create', 'update', 'delete'],
    'keeps what IsolationPolicies are compiled to, and repairs it; only objects named bulkhead-isolation-* are written, but the names depend on those of the policies, and RBAC knows no prefixes. No webhooks'
  ),
  allow(nodeWitnesses.group, [nodeWitnesses.plural], read, 'notes in a Sandbox what the witness on its node has seen'),
  allow('events.k8s.io', ['events'], ['create', 'patch'], 'tells people what it did, and counts what repeats itself'),
]

/** In the operator's own namespace. */
export const leadershipPermissions: readonly Permission[] = [
  allow(
    'coordination.k8s.io',
    ['leases'],
    ['create'],
    'makes the Lease of the leader (a name cannot be demanded of what is not there yet)'
  ),
  {
    ...allow('coordination.k8s.io', ['leases'], ['get', 'update'], 'becomes the leader, stays it, and resigns'),
    resourceNames: [leaseName],
  },
]

/** In all namespaces. */
export const routerPermissions: readonly Permission[] = [
  allow(agents, [sandboxes.plural], follow, 'knows which Sandboxes there are'),
  allow('', ['pods'], follow, 'knows their addresses, and forwards to no others'),
]

/** In all namespaces: no role can be for the objects of one node. What it writes, an admission policy restricts to its own node. */
export const witnessPermissions: readonly Permission[] = [
  allow('', ['pods'], follow, 'knows what the Pods on its node ask for; reads no others, but could'),
  allow('node.k8s.io', ['runtimeclasses'], follow, 'knows what a RuntimeClass promises'),
  allow(nodeWitnesses.group, [nodeWitnesses.plural], ['get', 'create'], 'has an object of its node’s name'),
  allow(nodeWitnesses.group, [`${nodeWitnesses.plural}/status`], ['patch'], 'says what it has seen'),
]

/** Of `serve --backend kubernetes`, in the namespace of the sandboxes. */
export const serverPermissions: readonly Permission[] = [
  allow(
    extensions,
    [sandboxClaims.plural],
    [...read, 'create', 'patch', 'delete'],
    'makes, notes, ends and forgets sandboxes'
  ),
  allow(
    extensions,
    [sandboxTemplates.plural, sandboxWarmPools.plural],
    ['list', 'create', 'patch', 'delete'],
    'makes the kinds of sandboxes that are asked for, keeps some ready, and removes what nobody uses'
  ),
  allow('', ['pods'], read, 'knows where a sandbox is, why one does not start, and how it ended'),
]

/** In the namespace of its key. */
export const serverKeyPermissions: readonly Permission[] = [
  {
    ...allow('', ['secrets'], ['get'], 'reads the key that tokens are signed with'),
    resourceNames: [serverKeySecretName],
  },
  allow('', ['secrets'], ['create'], 'makes that key, once (a name cannot be demanded of what is not there yet)'),
]

/** In all of the cluster. */
export const serverClusterPermissions: readonly Permission[] = [
  allow('node.k8s.io', ['runtimeclasses'], follow, 'knows what gives a kernel of its own'),
  allow('', ['nodes'], ['get'], 'compares evidence with the node’s boot id and kernel'),
]

const people = [...read, 'create', 'update', 'patch', 'delete', 'deletecollection']

/** What those may do who have Kubernetes’ own roles `admin` or `edit` in a namespace: with Sandboxes what they may do with Pods already. */
export const editorPermissions: readonly Permission[] = [
  allow(agents, [sandboxes.plural], people, 'uses Sandboxes'),
  allow(
    extensions,
    [sandboxClaims.plural, sandboxTemplates.plural, sandboxWarmPools.plural],
    people,
    'uses claims, templates and pools'
  ),
  allow(
    extensions,
    [`${sandboxWarmPools.plural}/scale`],
    ['get', 'update', 'patch'],
    'scales pools, by hand or by a HorizontalPodAutoscaler'
  ),
]

/** The same for `view`. */
export const viewerPermissions: readonly Permission[] = [
  allow(agents, [sandboxes.plural], read, 'sees Sandboxes'),
  allow(
    extensions,
    [sandboxClaims.plural, sandboxTemplates.plural, sandboxWarmPools.plural],
    read,
    'sees claims, templates and pools'
  ),
]
