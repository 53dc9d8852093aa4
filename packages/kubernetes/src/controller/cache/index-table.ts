import { type KubernetesObject, objectKey, type Stored } from '../client/kubernetes-object.ts'

/** Under which values an object is found. */
export type IndexFunction<T extends KubernetesObject> = (object: Stored<T>) => readonly string[]

/** One index: which objects have a value. */
export class IndexTable<T extends KubernetesObject> {
  readonly #valuesOf: IndexFunction<T>
  readonly #entries = new Map<string, Map<string, Stored<T>>>()
  /** What an object was entered under: a function that answers otherwise later could leave it behind. */
  readonly #entered = new Map<string, readonly string[]>()

  constructor(valuesOf: IndexFunction<T>) {
    this.#valuesOf = valuesOf
  }

  get(value: string): Stored<T>[] {
    return [...(this.#entries.get(value)?.values() ?? [])]
  }

  /** Throws what the index function throws; the object is then under no value. */
  set(object: Stored<T>): void {
    const key = objectKey(object)
    this.delete(key)
    const values = this.#valuesOf(object)
    for (const value of values) {
      const entry = this.#entries.get(value) ?? new Map<string, Stored<T>>()
      entry.set(key, object)
      this.#entries.set(value, entry)
    }
    if (values.length > 0) this.#entered.set(key, values)
  }

  delete(key: string): void {
    for (const value of this.#entered.get(key) ?? []) {
      const entry = this.#entries.get(value)
      entry?.delete(key)
      if (entry?.size === 0) this.#entries.delete(value)
    }
    this.#entered.delete(key)
  }
}
