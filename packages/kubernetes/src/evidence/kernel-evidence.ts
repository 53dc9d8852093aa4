import { isDeepStrictEqual } from 'node:util'
import type { KernelStatus, NodeWitness, WitnessedPod } from '../api/index.ts'
import type { Change, ChangeHandler, ChangeSource, Clock, Store, Stored } from '../controller/index.ts'
import type { CachedPod } from '../operator/cached-pod.ts'
import { kernelStatus } from './kernel-status.ts'

/** A witness that has not been heard of for so long is no longer believed: it has missed three of its heartbeats, give or take. */
export const silentAfterMs = 30_000

export interface KernelEvidenceOptions {
  readonly witnesses: ChangeSource<NodeWitness> & { readonly store: Pick<Store<NodeWitness, never>, 'get'> }
  readonly pods: { readonly store: Pick<Store<CachedPod, never>, 'get'> }
  readonly clock: Clock
}

/**
 * What the witnesses say of Pods, as far as they can be believed. It is a source of Pods: those whose evidence has changed. Time is measured here, from
 * when something of a witness was seen: the nodes' clocks may say anything.
 */
export class KernelEvidence implements ChangeSource<CachedPod>, Disposable {
  readonly synced: Promise<void>
  readonly #options: KernelEvidenceOptions
  readonly #handlers = new Set<ChangeHandler<CachedPod>>()
  readonly #following: Disposable
  /** By node, in ms of the monotonic clock. */
  readonly #heardMs = new Map<string, number>()
  readonly #silent = new Set<string>()
  readonly #byUid = new WeakMap<Stored<NodeWitness>, ReadonlyMap<string, WitnessedPod>>()

  constructor(options: KernelEvidenceOptions) {
    this.#options = options
    this.synced = options.witnesses.synced
    this.#following = options.witnesses.onChange((change) => this.#follow(change))
  }

  /** Undefined: nobody has looked at it. */
  of(pod: Stored<CachedPod>): KernelStatus | undefined {
    const node = pod.spec.nodeName
    const witness = node === undefined ? undefined : this.#options.witnesses.store.get(node)
    if (!witness) return undefined
    return kernelStatus(witness, this.#index(witness).get(pod.metadata.uid), this.#silent.has(witness.metadata.name))
  }

  /** How long nothing has been heard of a node's witness. Undefined: there is none. */
  quietMs(node: string): number | undefined {
    const heardMs = this.#heardMs.get(node)
    return heardMs === undefined ? undefined : this.#options.clock.now() - heardMs
  }

  isSilent(node: string): boolean {
    return this.#silent.has(node)
  }

  /** Something of it was seen, in whatever way. */
  heard(node: string): void {
    this.#heardMs.set(node, this.#options.clock.now())
    if (this.#silent.delete(node)) this.#tellAll(node)
  }

  fallSilent(node: string): void {
    this.#silent.add(node)
    this.#tellAll(node)
  }

  onChange(handler: ChangeHandler<CachedPod>): Disposable {
    this.#handlers.add(handler)
    return { [Symbol.dispose]: () => void this.#handlers.delete(handler) }
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]()
  }

  #follow(change: Change<NodeWitness>): void {
    const { name } = change.object.metadata
    if (change.type === 'deleted') {
      this.#heardMs.delete(name)
      this.#silent.delete(name)
      this.#tell(change.object.status?.pods ?? [])
      return
    }
    this.heard(name)
    const before = change.old ? this.#index(change.old) : new Map<string, WitnessedPod>()
    const after = this.#index(change.object)
    const changed = [...after.values()].filter((pod) => !isDeepStrictEqual(pod, before.get(pod.uid)))
    const gone = [...before.values()].filter(({ uid }) => !after.has(uid))
    this.#tell([...changed, ...gone])
  }

  #tellAll(node: string): void {
    this.#tell(this.#options.witnesses.store.get(node)?.status?.pods ?? [])
  }

  #tell(pods: readonly WitnessedPod[]): void {
    for (const { namespace, name, uid } of pods) {
      const object = this.#options.pods.store.get(`${namespace}/${name}`)
      if (object?.metadata.uid !== uid) continue
      for (const handler of this.#handlers) handler({ type: 'updated', object, old: object })
    }
  }

  #index(witness: Stored<NodeWitness>): ReadonlyMap<string, WitnessedPod> {
    const known = this.#byUid.get(witness)
    if (known) return known
    const index = new Map(witness.status?.pods?.map((pod) => [pod.uid, pod]))
    this.#byUid.set(witness, index)
    return index
  }
}
