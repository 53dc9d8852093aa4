import {
  label,
  nameHash,
  type Sandbox,
  type SandboxTemplate,
  type SandboxWarmPool,
  sandboxWarmPools,
} from '../api/index.ts'
import { controllerOf, type MapChange, objectKey, refersTo, type Stored, type Wanted } from '../controller/index.ts'
import type { Caches } from '../operator/operator-context.ts'

type Pools = Caches['pools']['store']

/**
 * The pools a Sandbox is or was a member of: by its owner, and by its label where it has none. In the lane `background`: what a pool does about a member
 * that has left may wait for the claims that do.
 */
export const toPoolsOfSandbox =
  (pools: Pools): MapChange<Sandbox> =>
  ({ object, old }) => {
    const keys = [object, old].flatMap((sandbox) => (sandbox ? poolsOf(sandbox, pools) : []))
    return [...new Set(keys)].map((key): Wanted => ({ key, lane: 'background' }))
  }

export function poolsOf(sandbox: Stored<Sandbox>, pools: Pools): string[] {
  const { namespace, labels } = sandbox.metadata
  const owner = controllerOf(sandbox)
  if (owner) return refersTo(owner, sandboxWarmPools) ? [`${namespace}/${owner.name}`] : []
  const hash = labels?.[label.warmPoolSandbox]
  return hash === undefined ? [] : pools.by('hash', `${namespace}/${hash}`).map(objectKey)
}

export const toPoolsOfTemplate =
  (pools: Pools): MapChange<SandboxTemplate> =>
  ({ object: { metadata } }) =>
    pools.by('template', `${metadata.namespace}/${metadata.name}`).map(objectKey)

/** What Sandboxes with the pool's label, and pools with that label value, are found by. */
export const poolIndexValue = ({ metadata: { namespace, name } }: Stored<SandboxWarmPool>): string =>
  `${namespace}/${nameHash(name)}`
