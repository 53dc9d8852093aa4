import { annotation, type Sandbox, type SandboxClaim } from '../api/index.ts'
import { findCondition, isControlledBy, type Stored } from '../controller/index.ts'
import { isWarm } from './adoption.ts'
import { isDead, memberStateOf } from './member-state.ts'

/** What is known of the Sandboxes. */
export interface SandboxView {
  /** `certain`: read from the API server in this pass, not from a cache that may be behind. */
  get(name: string): { readonly sandbox: Stored<Sandbox> | undefined; readonly certain: boolean }
  /** Those the claim controls, as far as the cache knows. */
  readonly owned: readonly Stored<Sandbox>[]
}

export type Found =
  /** The claim's own. */
  | { readonly kind: 'bound'; readonly sandbox: Stored<Sandbox> }
  /** The claim's own, that died before it was of any use: to be deleted, and replaced. */
  | { readonly kind: 'dead'; readonly sandbox: Stored<Sandbox> }
  /** Given to the claim, and still the pool's. */
  | { readonly kind: 'assigned'; readonly sandbox: Stored<Sandbox> }
  /** Its name is needed, and it is someone else's. */
  | { readonly kind: 'taken'; readonly sandbox: Stored<Sandbox> }
  /** Something depends on whether the cache is right about this one. */
  | { readonly kind: 'unsure'; readonly name: string }
  | { readonly kind: 'none' }

/** The Sandbox a claim has been given: an older claim says it in a label. */
export const assignedName = ({ metadata }: Stored<SandboxClaim>): string | undefined =>
  metadata.annotations?.[annotation.sandboxName] || metadata.labels?.[annotation.sandboxName] || undefined

/**
 * Whether the claim's user may have used its Sandbox. The annotation alone does not say it: it is written together with the assignment, before the
 * adoption.
 */
export const hasBeenReady = ({ metadata, status }: Stored<SandboxClaim>): boolean =>
  findCondition(status?.conditions, 'Ready')?.status === 'True' ||
  (metadata.annotations?.[annotation.claimFirstReadyAt] !== undefined && status?.sandbox?.name !== undefined)

/**
 * The Sandbox of a claim, wherever a pass that was cut short left it. A claim stays bound while its Sandbox exists; only one from a pool that died before
 * the claim was ever Ready is given up. (One that was made for the claim is not: its Pod may have done all it had to.)
 */
export function findSandbox(claim: Stored<SandboxClaim>, view: SandboxView, wallMs: number): Found {
  const isOwn = (sandbox: Stored<Sandbox>) => isControlledBy(sandbox, claim)
  const own = (sandbox: Stored<Sandbox>): Found | undefined => {
    if (hasBeenReady(claim) || !isWarm(sandbox) || !isDead(sandbox, wallMs)) return { kind: 'bound', sandbox }
    // On its way out already: the claim goes on without it.
    return sandbox.metadata.deletionTimestamp ? undefined : { kind: 'dead', sandbox }
  }

  const inStatus = claim.status?.sandbox?.name
  if (inStatus) {
    const { sandbox, certain } = view.get(inStatus)
    if (sandbox && isOwn(sandbox)) {
      const found = own(sandbox)
      if (found) return found
    } else if (!certain) return { kind: 'unsure', name: inStatus }
  }

  const assigned = assignedName(claim)
  if (assigned) {
    const { sandbox, certain } = view.get(assigned)
    if (sandbox && isOwn(sandbox)) {
      const found = own(sandbox)
      if (found) return found
    } else if (sandbox && memberStateOf(sandbox, wallMs)) return { kind: 'assigned', sandbox }
    else if (!certain) return { kind: 'unsure', name: assigned }
  }

  const { name } = claim.metadata
  const { sandbox, certain } = view.get(name)
  if (sandbox && isOwn(sandbox)) return { kind: 'bound', sandbox }
  if (sandbox) return certain ? { kind: 'taken', sandbox } : { kind: 'unsure', name }

  // Whatever became of the claim's own notes.
  for (const other of view.owned) {
    const found = own(other)
    if (found) return found
  }
  return { kind: 'none' }
}
