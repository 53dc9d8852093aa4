import { type NodeWitness, type NodeWitnessStatus, nodeWitnesses } from '../api/index.ts'
import { type ApiClient, isAlreadyExists, isNotFound, mergePatch, type Stored } from '../controller/index.ts'
import { isSame } from './plan-witness.ts'
import type { WitnessIdentity } from './witness-identity.ts'

/** Between two writes in which nothing has changed. */
export const heartbeatMs = 10_000

/** Keeps the NodeWitness of this node. */
export class WitnessWriter {
  readonly #client: ApiClient
  readonly #identity: WitnessIdentity
  #written: { readonly status: NodeWitnessStatus; readonly atMs: number } | undefined

  constructor(client: ApiClient, identity: WitnessIdentity) {
    this.#client = client
    this.#identity = identity
  }

  /** As it is in the API server, as far as this process knows. */
  get last(): NodeWitnessStatus | undefined {
    return this.#written?.status
  }

  /** What a witness before this one has written; makes the object where there is none. */
  async begin(signal: AbortSignal): Promise<void> {
    const { status } = await this.#find(signal).then((found) => found ?? this.#make(signal))
    this.#written = status && { status, atMs: Number.NEGATIVE_INFINITY }
  }

  /** Writes what has changed, and otherwise, from time to time, that it has not. `nowMs`: of the monotonic clock. */
  async write(status: NodeWitnessStatus, nowMs: number, signal: AbortSignal): Promise<boolean> {
    const same = isSame(this.#written?.status, status)
    if (same && this.#written && nowMs - this.#written.atMs < heartbeatMs) return false
    const patch = same ? { observedAt: status.observedAt } : whole(status)
    try {
      const body = mergePatch({ status: patch })
      await this.#client.patch(nodeWitnesses, { name: this.#identity.node }, body, { subresource: 'status', signal })
    } catch (error) {
      // Deleted by somebody: made again with the next look.
      if (!isNotFound(error)) throw error
      await this.#make(signal)
      this.#written = undefined
      return false
    }
    this.#written = { status, atMs: nowMs }
    return true
  }

  async #find(signal: AbortSignal): Promise<Stored<NodeWitness> | undefined> {
    try {
      return await this.#client.get(nodeWitnesses, { name: this.#identity.node }, { signal })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async #make(signal: AbortSignal): Promise<Stored<NodeWitness>> {
    const { node, nodeUid } = this.#identity
    // It goes with the node.
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: node, uid: nodeUid }]
    try {
      return await this.#client.create(nodeWitnesses, { metadata: { name: node, ownerReferences } }, { signal })
    } catch (error) {
      const found = isAlreadyExists(error) && (await this.#find(signal))
      if (found) return found
      throw error
    }
  }
}

/** In a merge patch, what is absent stays as it was. */
const whole = ({ runtime, podsLeftOut = 0, ...status }: NodeWitnessStatus) => ({
  ...status,
  runtime: runtime ?? null,
  podsLeftOut,
})
