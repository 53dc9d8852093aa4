import { annotation, label, nameHash, type Sandbox } from '../../../packages/kubernetes/src/api/index.ts'
import {
  type Condition,
  controllerOf,
  findCondition,
  groupOf,
  isControlledBy,
  type Pod,
  type Stored,
} from '../../../packages/kubernetes/src/controller/index.ts'
import { findClaimProblems, findPoolProblems } from './find-claim-problems.ts'
import { addressesOf, called, nameOf, Problems } from './problems.ts'
import type { Snapshot } from './snapshot.ts'

/** What a test knows of a namespace beyond what can be seen in it. */
export interface Expected {
  /** Names of all claims there are to be; default: any. */
  readonly claims?: Iterable<string>
  /** Names of all Sandboxes without an owner there are to be; default: any. */
  readonly sandboxes?: Iterable<string>
  /** Names of objects of our kinds about which nothing is said: malformed ones. */
  readonly except?: ReadonlySet<string>
}

/** What is wrong in a namespace in which the operator has nothing more to do. Empty: nothing is lost, nothing orphaned, all status is true. */
export function findProblems(all: Snapshot, expected: Expected = {}): string[] {
  const { except = new Set<string>() } = expected
  const known = <T extends Stored>(objects: readonly T[]) =>
    objects.filter(({ metadata }) => !except.has(metadata.name))
  const seen: Snapshot = { ...all, claims: known(all.claims), pools: known(all.pools), templates: known(all.templates) }
  const free = known(seen.sandboxes).filter((sandbox) => !controllerOf(sandbox))
  return [
    ...findMissing('SandboxClaim', expected.claims, seen.claims),
    ...findMissing('Sandbox', expected.sandboxes, free),
    ...findOrphans(all),
    ...known(seen.sandboxes).flatMap((sandbox) => findSandboxProblems(sandbox, seen)),
    ...seen.claims.flatMap((claim) => findClaimProblems(claim, seen)),
    ...findSharedSandboxes(seen),
    ...seen.pools.flatMap((pool) => findPoolProblems(pool, seen)),
    ...seen.templates.flatMap((template) => findTemplateProblems(template, seen)),
  ]
}

function findMissing(kind: string, names: Iterable<string> | undefined, found: readonly Stored[]): string[] {
  if (!names) return []
  const there = new Set(found.map(({ metadata }) => metadata.name))
  const wanted = new Set(names)
  return [
    ...[...wanted.difference(there)].map((name) => `${kind} ${name} is lost`),
    ...[...there.difference(wanted)].map((name) => `${kind} ${name} should be gone`),
  ]
}

/** Whatever says that it belongs to an object of ours: there is one, and it is that one. Nothing is still on its way out. */
function findOrphans(all: Snapshot): string[] {
  const owners = new Map(
    [...all.sandboxes, ...all.claims, ...all.pools, ...all.templates].map((one) => [one.metadata.uid, one])
  )
  const owned = [...all.sandboxes, ...all.pods, ...all.services, ...all.volumeClaims, ...all.networkPolicies]
  return [
    ...owned.flatMap((one) => {
      const controller = controllerOf(one)
      if (!controller) return one.metadata.labels?.[label.warmPoolSandbox] ? [`${called(one)} has left its pool`] : []
      if (!groupOf(controller.apiVersion).endsWith('agents.x-k8s.io')) return []
      const owner = owners.get(controller.uid)
      if (!owner) return [`${called(one)} is an orphan of ${controller.kind} ${controller.name}`]
      return owner.kind === controller.kind ? [] : [`${called(one)} takes ${called(owner)} for a ${controller.kind}`]
    }),
    ...[...owned, ...all.claims, ...all.pools, ...all.templates]
      .filter(({ metadata }) => metadata.deletionTimestamp)
      .map((one) => `${called(one)} is still being deleted`),
  ]
}

function findSandboxProblems(sandbox: Stored<Sandbox>, seen: Snapshot): string[] {
  const { spec, status, metadata } = sandbox
  const own = <T extends Stored>(objects: readonly T[]) => objects.filter((one) => isControlledBy(one, sandbox))
  const ownPods = own(seen.pods)
  const [pod] = ownPods
  const suspended = spec.operatingMode === 'Suspended'
  const ready = findCondition(status?.conditions, 'Ready')
  const problems = new Problems(called(sandbox))
  problems.expect('its Pods', ownPods.length, suspended ? 0 : 1)
  problems.expect('its Services', own(seen.services).length, spec.service ? 1 : 0)
  const volumeNames = (spec.volumeClaimTemplates ?? []).map((claim) => `${claim.metadata.name}-${metadata.name}`)
  problems.expect('its PVCs', own(seen.volumeClaims).map(nameOf).sort(), volumeNames.sort())
  problems.expect('Ready', ready?.status, suspended ? 'False' : 'True')
  if (pod) problems.expect('whether its Pod is ready', isPodReady(pod), ready?.status === 'True')
  if (suspended) problems.expect('the reason of Ready', ready?.reason, 'SandboxSuspended')
  problems.expect('Suspended', findCondition(status?.conditions, 'Suspended')?.status, suspended ? 'True' : 'False')
  problems.expect('the generation of Ready', ready?.observedGeneration, metadata.generation)
  problems.expect('podIPs', status?.podIPs ?? [], pod ? addressesOf(pod) : [])
  problems.expect('nodeName', status?.nodeName || undefined, pod?.spec?.nodeName)
  problems.expect('service', status?.service || undefined, spec.service ? metadata.name : undefined)
  const types = (status?.conditions ?? []).map(({ type }) => type)
  problems.expect('the types of conditions', new Set(types).size, types.length)
  if (pod) {
    problems.expect('the name of its Pod', metadata.annotations?.[annotation.podName] ?? metadata.name, nameOf(pod))
    const labels = pod.metadata.labels ?? {}
    problems.expect('the name hash of its Pod', labels[label.sandboxNameHash], nameHash(metadata.name))
    const isMember = controllerOf(sandbox)?.kind === 'SandboxWarmPool'
    problems.expect('the pool label of its Pod', Boolean(labels[label.warmPoolSandbox]), isMember)
  }
  return problems.found
}

function findSharedSandboxes({ claims }: Snapshot): string[] {
  const takers = Map.groupBy(
    claims.filter(({ status }) => status?.sandbox?.name),
    ({ status }) => status?.sandbox?.name
  )
  return [...takers]
    .filter(([, bound]) => bound.length > 1)
    .map(([name, bound]) => `Sandbox ${name} is bound to ${bound.map(nameOf).join(' and ')}`)
}

function findTemplateProblems(template: Snapshot['templates'][number], { networkPolicies }: Snapshot): string[] {
  const problems = new Problems(called(template))
  const managed = template.spec.networkPolicyManagement !== 'Unmanaged'
  const own = networkPolicies.filter((policy) => isControlledBy(policy, template)).map(nameOf)
  problems.expect('its NetworkPolicies', own, managed ? [`${nameOf(template)}-network-policy`] : [])
  return problems.found
}

function isPodReady(pod: Stored<Pod>): boolean {
  const ready = findCondition(pod.status?.conditions as readonly Condition[] | undefined, 'Ready')
  return pod.status?.phase === 'Running' && ready?.status === 'True' && addressesOf(pod).length > 0
}
