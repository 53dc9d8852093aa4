import { type KubernetesObject, objectKey, type Stored } from '../client/kubernetes-object.ts'
import { compareResourceVersions } from '../client/resource-version.ts'
import { deepFreeze } from './deep-freeze.ts'
import { type IndexFunction, IndexTable } from './index-table.ts'

export type Indexes<T extends KubernetesObject, Index extends string> = Readonly<Record<Index, IndexFunction<T>>>

export interface StoreOptions<T extends KubernetesObject, Index extends string> {
  readonly indexes?: Indexes<T, Index> | undefined
  /** What is kept of an object; must leave identity and resource version as they are. */
  readonly transform?: ((object: Stored<T>) => Stored<T>) | undefined
  /** An index function threw: the object is kept, and not found through that index. */
  readonly onIndexError?: ((index: string, key: string, error: unknown) => void) | undefined
}

/** A write of our own that the watch has not shown yet, over what the watch has shown (`base`). */
type OwnWrite<T extends KubernetesObject> =
  | { readonly kind: 'written'; readonly version: string; base: Stored<T> | undefined }
  /** `version`: of what was seen last before. */
  | { readonly kind: 'deleted'; readonly version: string; readonly uid: string; base: Stored<T> | undefined }

/**
 * The objects of one type as this process knows them: what the watch has shown, and over it what this process has written since (so that a
 * controller reads its own writes, and does not, say, create a second child because the first has not come back yet). Frozen all through.
 *
 * When a write of our own gives way is a question of which of two versions is newer, answered by {@link compareResourceVersions}: events of a watch
 * come in the order of their versions, so when the watch has come as far as the version of a write, everything that is to be known about it has
 * been shown, even that the object is gone again. Where versions cannot be compared, own writes are not remembered, and reads lag as in any cache.
 */
export class Store<T extends KubernetesObject, Index extends string = never> {
  readonly #transform: (object: Stored<T>) => Stored<T>
  readonly #indexes: ReadonlyMap<string, IndexTable<T>>
  readonly #onIndexError: StoreOptions<T, Index>['onIndexError']
  /** What readers see. */
  readonly #view = new Map<string, Stored<T>>()
  readonly #own = new Map<string, OwnWrite<T>>()
  /** How far the watch has come. */
  #version: string | undefined

  constructor({ indexes, transform = (object) => object, onIndexError }: StoreOptions<T, Index> = {}) {
    this.#transform = transform
    this.#onIndexError = onIndexError
    const named = Object.entries<IndexFunction<T>>(indexes ?? {})
    this.#indexes = new Map(named.map(([name, valuesOf]) => [name, new IndexTable(valuesOf)]))
  }

  get size(): number {
    return this.#view.size
  }

  /** `key`: `namespace/name`, or `name` for objects of cluster scope. */
  get(key: string): Stored<T> | undefined {
    return this.#view.get(key)
  }

  list(namespace?: string): Stored<T>[] {
    const all = [...this.#view.values()]
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace)
  }

  /** The objects that the index function gave this value for. */
  by(index: Index, value: string): Stored<T>[] {
    return this.#indexes.get(index)?.get(value) ?? []
  }

  /** Takes the answer to a write of our own, so that it is read before the watch shows it. */
  wrote(object: Stored<T>): void {
    const key = objectKey(object)
    const version = object.metadata.resourceVersion
    const own = this.#own.get(key)
    const base = this.#base(key)
    const known = [this.#version, base?.metadata.resourceVersion, own?.kind === 'written' ? own.version : undefined]
    // Not newer than what is known, or nobody can tell.
    if (!this.#version || known.some((other) => other && !isNewer(version, other))) return
    this.#own.set(key, { kind: 'written', version, base })
    this.#show(key, this.prepare(object))
  }

  /** The API server said that this object is gone: it is hidden until the watch says so. */
  deleted(object: Stored<T>): void {
    const key = objectKey(object)
    const seen = this.#view.get(key)
    if (seen?.metadata.uid !== object.metadata.uid) return
    const { uid, resourceVersion: version } = seen.metadata
    this.#own.set(key, { kind: 'deleted', version, uid, base: this.#base(key) })
    this.#show(key, undefined)
  }

  // From here on: for the informer.

  /** The watch or a list showed this object. Returns it as it is kept, and what the watch had shown before under its name. */
  observe(object: Stored<T>): { readonly object: Stored<T>; readonly old: Stored<T> | undefined } {
    const key = objectKey(object)
    const kept = this.prepare(object)
    const own = this.#own.get(key)
    const old = this.#base(key)
    if (own && outlives(own, kept)) own.base = kept
    else {
      this.#own.delete(key)
      this.#show(key, kept)
    }
    return { object: kept, old }
  }

  /** The watch showed that the object is gone, or a list did not have it. Returns what the watch had shown before. */
  vanish(key: string, version: string): Stored<T> | undefined {
    const own = this.#own.get(key)
    const old = this.#base(key)
    if (own?.kind === 'written' && isNewer(own.version, version)) own.base = undefined
    else {
      this.#own.delete(key)
      this.#show(key, undefined)
    }
    return old
  }

  /** The watch has come as far as this version: own writes up to it have been shown, or overtaken. */
  progress(version: string): void {
    this.#version = version
    for (const [key, own] of this.#own) {
      // What the watch has shown stays hidden until it shows the end as well; what it never showed, until it is past that.
      if ((own.kind === 'deleted' && own.base) || isNewer(own.version, version)) continue
      this.#own.delete(key)
      this.#show(key, own.base)
    }
  }

  /** The server's history is not the one it was (restored from a back-up): own writes may never have happened. */
  forgetOwnWrites(): void {
    for (const [key, own] of this.#own) this.#show(key, own.base)
    this.#own.clear()
  }

  /** The object as it would be kept. */
  prepare(object: Stored<T>): Stored<T> {
    return deepFreeze(this.#transform(object))
  }

  /** What the watch has shown, without own writes. */
  *observed(): IterableIterator<Stored<T>> {
    for (const [key, object] of this.#view) if (!this.#own.has(key)) yield object
    for (const { base } of this.#own.values()) if (base) yield base
  }

  #base(key: string): Stored<T> | undefined {
    const own = this.#own.get(key)
    return own ? own.base : this.#view.get(key)
  }

  #show(key: string, object: Stored<T> | undefined): void {
    if (object) this.#view.set(key, object)
    else this.#view.delete(key)
    for (const [name, table] of this.#indexes) {
      try {
        if (object) table.set(object)
        else table.delete(key)
      } catch (error) {
        this.#onIndexError?.(name, key, error)
      }
    }
  }
}

/** Whether `a` certainly is newer. */
const isNewer = (a: string, b: string): boolean => (compareResourceVersions(a, b) ?? 0) > 0

/** Whether an own write still holds after the watch has shown `seen`. */
function outlives<T extends KubernetesObject>(own: OwnWrite<T>, seen: Stored<T>): boolean {
  if (own.kind === 'deleted') return own.uid === seen.metadata.uid
  return isNewer(own.version, seen.metadata.resourceVersion)
}

/** Index by owner: the uids of all owners. */
export const byOwnerUid = (object: Stored): readonly string[] =>
  (object.metadata.ownerReferences ?? []).map((reference) => reference.uid)

/** Index by the value of a label; objects without it are under no value. */
export const byLabel =
  (label: string) =>
  (object: Stored): readonly string[] => {
    const value = object.metadata.labels?.[label]
    return value === undefined ? [] : [value]
  }

/** Index by namespace. */
export const byNamespace = (object: Stored): readonly string[] => [object.metadata.namespace ?? '']

/** Drops what nobody reads, and what is most of an object's memory: who set which field. */
export function withoutManagedFields<T extends KubernetesObject>(object: Stored<T>): Stored<T> {
  if (!object.metadata.managedFields) return object
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}
