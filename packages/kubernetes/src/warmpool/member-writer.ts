import { type Sandbox, type SandboxTemplate, type SandboxWarmPool, sandboxes, sandboxWarmPools } from '../api/index.ts'
import {
  type ApiClient,
  ApiError,
  controllerReference,
  type Expectations,
  isAlreadyExists,
  isConflict,
  isNotFound,
  mergePatch,
  objectKey,
  type Stored,
  TransportError,
} from '../controller/index.ts'
import type { Caches } from '../operator/operator-context.ts'
import type { PoolMemory } from './pool-memory.ts'
import { poolSandbox } from './pool-sandbox.ts'

export interface MemberWriterOptions {
  readonly client: ApiClient
  readonly sandboxes: Caches['sandboxes']
  readonly expectations: Expectations
  readonly evictable: boolean
}

/** The pool that is worked on in one pass. */
export interface PoolPass {
  readonly key: string
  readonly pool: Stored<SandboxWarmPool>
  readonly template: Stored<SandboxTemplate> | undefined
  /** See {@link InputBackoff}. */
  readonly input: string
  readonly memory: PoolMemory
  readonly signal: AbortSignal
}

/**
 * Creates, deletes and adopts members. A request without an answer may have been carried out: it stays open in the pool's memory, is waited for as long
 * as it is, and is sent again as it was. Both kinds can be: a create has its name, a delete its uid and resource version.
 */
export class MemberWriter {
  readonly #client: ApiClient
  readonly #store: Caches['sandboxes']['store']
  readonly #expectations: Expectations
  readonly #evictable: boolean

  constructor({ client, sandboxes, expectations, evictable }: MemberWriterOptions) {
    this.#client = client
    this.#store = sandboxes.store
    this.#expectations = expectations
    this.#evictable = evictable
  }

  async create(pass: PoolPass, template: Stored<SandboxTemplate>, name: string): Promise<void> {
    const { key, pool, memory, signal } = pass
    memory.openCreates.add(name)
    this.#expectations.expectCreate(key, name)
    try {
      const sandbox = poolSandbox(pool, template, { name, evictable: this.#evictable })
      this.#store.wrote(await this.#client.create(sandboxes, sandbox, { signal }))
      this.#answered(pass, name)
    } catch (error) {
      // By this very create, sent before without an answer; or by somebody else, and then the next pass takes another name.
      if (isAlreadyExists(error)) await this.#read(pass, name)
      else {
        if (wasNotCarriedOut(error)) this.#settleCreate(pass, name)
        throw error
      }
    }
  }

  /**
   * False: it is not the Sandbox that was looked at any more, and is left alone. The resource version is what keeps this from taking a Sandbox away from
   * a claim that has just got it.
   */
  async remove(pass: PoolPass, sandbox: Stored<Sandbox>): Promise<boolean> {
    const { key, memory, signal } = pass
    const { uid, resourceVersion } = sandbox.metadata
    memory.openDeletes.set(uid, sandbox)
    this.#expectations.expectDelete(key, uid)
    try {
      const preconditions = { uid, resourceVersion }
      const left = await this.#client.delete(sandboxes, sandbox.metadata, { preconditions, signal })
      if (left) this.#store.wrote(left)
      else this.#store.deleted(sandbox)
      memory.openDeletes.delete(uid)
      if (!this.#isLive(sandbox)) this.#expectations.deleted(key, uid)
      return true
    } catch (error) {
      const isGone = isNotFound(error, sandbox.metadata.name)
      if (isGone) this.#store.deleted(sandbox)
      if (wasNotCarriedOut(error)) this.#settleDelete(pass, uid)
      if (isGone) return true
      if (isConflict(error)) return false
      throw error
    }
  }

  /** Makes the pool the owner of a Sandbox that has none. False: it is not the Sandbox that was looked at any more. */
  async adopt({ pool, signal }: PoolPass, sandbox: Stored<Sandbox>): Promise<boolean> {
    const { uid, resourceVersion, ownerReferences = [] } = sandbox.metadata
    const patch = mergePatch({
      metadata: {
        uid,
        resourceVersion,
        ownerReferences: [...ownerReferences, controllerReference(sandboxWarmPools, pool)],
      },
    })
    try {
      this.#store.wrote(await this.#client.patch(sandboxes, sandbox.metadata, patch, { signal }))
      return true
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error, sandbox.metadata.name)) throw error
      return false
    }
  }

  /** Sends again deletes that may have been carried out and are not seen yet. Throws when there still is no answer. */
  async settleDeletes(pass: PoolPass): Promise<void> {
    for (const [uid, sandbox] of pass.memory.openDeletes) {
      if (this.#isLive(sandbox)) await this.remove(pass, sandbox)
      else this.#settleDelete(pass, uid)
    }
  }

  /**
   * Sends again, under their names, creates that may have been carried out and are not seen yet. Where no more members are wanted (`isShort` is false)
   * it only looks: one that comes to be after all is then one too many, as any other. Throws when there still is no answer.
   */
  async settleCreates(pass: PoolPass, isShort: boolean): Promise<void> {
    const { memory, pool, template } = pass
    for (const name of memory.openCreates) {
      if (this.#store.get(keyIn(pool, name))) this.#settleCreate(pass, name)
      else if (template && isShort) await this.create(pass, template, name)
      else await this.#read(pass, name)
    }
  }

  async #read(pass: PoolPass, name: string): Promise<void> {
    try {
      const { namespace } = pass.pool.metadata
      this.#store.wrote(await this.#client.get(sandboxes, { namespace, name }, { signal: pass.signal }))
    } catch (error) {
      if (!isNotFound(error, name)) throw error
      this.#settleCreate(pass, name)
    }
    this.#answered(pass, name)
  }

  /** Expected on until it can be read: the store shows an answer unless it cannot tell which of two versions is newer. */
  #answered(pass: PoolPass, name: string): void {
    pass.memory.openCreates.delete(name)
    if (this.#store.get(keyIn(pass.pool, name))) this.#expectations.created(pass.key, name)
  }

  #settleCreate({ key, memory }: PoolPass, name: string): void {
    memory.openCreates.delete(name)
    this.#expectations.created(key, name)
  }

  #settleDelete({ key, memory }: PoolPass, uid: string): void {
    memory.openDeletes.delete(uid)
    this.#expectations.deleted(key, uid)
  }

  #isLive(sandbox: Stored<Sandbox>): boolean {
    const now = this.#store.get(objectKey(sandbox))
    return now?.metadata.uid === sandbox.metadata.uid && !now.metadata.deletionTimestamp
  }
}

const keyIn = ({ metadata: { namespace } }: Stored, name: string): string => `${namespace}/${name}`

/** Of 5xx and of no answer nobody knows. */
const wasNotCarriedOut = (error: unknown): boolean =>
  error instanceof ApiError ? error.code < 500 : error instanceof TransportError && error.unsent
