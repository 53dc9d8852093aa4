import { label, nameHash, type SandboxClaim, type SandboxWarmPool } from '../../../packages/kubernetes/src/api/index.ts'
import { findCondition, isControlledBy, type Stored } from '../../../packages/kubernetes/src/controller/index.ts'
import { addressesOf, called, nameOf, Problems } from './problems.ts'
import type { Snapshot } from './snapshot.ts'

/** A claim has one Sandbox, its own, is Ready, and says of it what is. */
export function findClaimProblems(claim: Stored<SandboxClaim>, { sandboxes, pods }: Snapshot): string[] {
  const problems = new Problems(called(claim))
  const own = sandboxes.filter((sandbox) => isControlledBy(sandbox, claim))
  const ready = findCondition(claim.status?.conditions, 'Ready')
  problems.expect('Ready', [ready?.status, ready?.reason], ['True', 'DependenciesReady'])
  problems.expect('its Sandboxes', own.map(nameOf), [claim.status?.sandbox?.name])
  problems.expect('the generation of Ready', ready?.observedGeneration, claim.metadata.generation)
  const [sandbox] = own
  if (!sandbox) return problems.found
  const pod = pods.find((candidate) => isControlledBy(candidate, sandbox))
  problems.expect('podIPs', claim.status?.sandbox?.podIPs ?? [], pod ? addressesOf(pod) : [])
  problems.expect('the claim its Sandbox names', sandbox.metadata.labels?.[label.claimUid], claim.metadata.uid)
  return problems.found
}

/** A pool has as many members as it should, and says so. */
export function findPoolProblems(pool: Stored<SandboxWarmPool>, { sandboxes }: Snapshot): string[] {
  const { status, spec, metadata } = pool
  const problems = new Problems(called(pool))
  const members = sandboxes.filter((sandbox) => isControlledBy(sandbox, pool))
  const ready = members.filter((member) => findCondition(member.status?.conditions, 'Ready')?.status === 'True')
  const hash = nameHash(metadata.name)
  problems.expect('its members', members.length, spec.replicas)
  problems.expect('replicas', status?.replicas ?? 0, members.length)
  problems.expect('readyReplicas', status?.readyReplicas ?? 0, ready.length)
  problems.expect('selector', status?.selector, `${label.warmPoolSandbox}=${hash}`)
  problems.expect('observedGeneration', status?.observedGeneration, metadata.generation)
  for (const member of members)
    problems.expect(`the pool label of ${nameOf(member)}`, member.metadata.labels?.[label.warmPoolSandbox], hash)
  return problems.found
}
