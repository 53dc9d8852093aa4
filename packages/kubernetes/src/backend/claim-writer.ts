import { failure } from '@bulkhead/wire'
import { type SandboxClaim, sandboxClaims } from '../api/index.ts'
import { type ApiClient, isConflict, isInvalid, isNotFound, type Stored, TransportError } from '../controller/index.ts'
import type { ClusterView } from './cluster-view.ts'
import { type RecordChange, recordPatch } from './record-change.ts'
import { recordOf, type SandboxRecord } from './sandbox-record.ts'

/** What is decided again when somebody else was quicker. Undefined: nothing is to be changed any more. */
export type Decide = (claim: Stored<SandboxClaim>, record: SandboxRecord) => RecordChange | undefined

const tries = 8

/** All writes to claims. */
export class ClaimWriter {
  readonly #client: ApiClient
  readonly #view: ClusterView
  readonly #namespace: string

  constructor(client: ApiClient, view: ClusterView, namespace: string) {
    this.#client = client
    this.#view = view
    this.#namespace = namespace
  }

  async create(claim: SandboxClaim): Promise<Stored<SandboxClaim>> {
    const created = await this.#client.create(sandboxClaims, claim)
    this.#view.wrote(created)
    return created
  }

  /** Resolves with the claim as it is then. Fails `sandbox_not_found`. */
  async change(id: string, decide: Decide, signal?: AbortSignal): Promise<Stored<SandboxClaim>> {
    let claim = this.#view.claim(id) ?? (await this.#read(id))
    for (let left = tries; ; left--) {
      const record = recordOf(claim)
      if (!record) throw failure('sandbox_not_found', { id })
      const change = decide(claim, record)
      if (!change) return claim
      try {
        const patch = recordPatch(claim, change)
        const changed = await this.#client.patch(sandboxClaims, claim.metadata, patch, { ...(signal && { signal }) })
        this.#view.wrote(changed)
        return changed
      } catch (error) {
        if (isNotFound(error)) throw failure('sandbox_not_found', { id }, { cause: error })
        // The test in the patch did not hold, or the answer to a write that was carried out was lost.
        const overtaken = isInvalid(error) || isConflict(error) || error instanceof TransportError
        if (!overtaken || left === 0 || signal?.aborted) throw error
        claim = await this.#read(id)
      }
    }
  }

  /** With all that hangs on it. One that is gone is fine. */
  async remove(id: string, uid?: string): Promise<void> {
    const name = { namespace: this.#namespace, name: id }
    try {
      const left = await this.#client.delete(sandboxClaims, name, {
        ...(uid && { preconditions: { uid } }),
        propagationPolicy: 'Background',
      })
      const known = this.#view.claim(id)
      if (left?.metadata.deletionTimestamp) this.#view.wrote(left)
      else if (known) this.#view.claims.store.deleted(known)
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
  }

  async #read(id: string): Promise<Stored<SandboxClaim>> {
    try {
      return await this.#client.get(sandboxClaims, { namespace: this.#namespace, name: id })
    } catch (error) {
      throw isNotFound(error) ? failure('sandbox_not_found', { id }, { cause: error }) : error
    }
  }
}
