import { nameHash, type Sandbox } from '../api/index.ts'
import { type Change, keyOf, objectKey, type Stored } from '../controller/index.ts'

/**
 * Which Sandboxes of a namespace share the hash of their name. The API has Services select Pods by that hash, and it has 32 bits: two names collide by
 * chance once there are enough of them, and on purpose within seconds, and then one Sandbox's Service would send its clients to the other's Pod.
 *
 * So: each Pod also carries its Sandbox's uid. As soon as a second Sandbox with the same hash appears, the Services of both are narrowed to that label
 * too (the selector of the API stays in place, so that whoever reads it finds what he expects), and that of the first before the second
 * Sandbox's Pod is made. Services that never meet a collision look exactly as the API says.
 */
export class NameHashes {
  readonly #names = new Map<string, Set<string>>()

  /** Takes in a change; returns the keys of those that now share their hash with somebody new. */
  note({ type, object }: Change<Sandbox>): string[] {
    const { name } = object.metadata
    const place = placeOf(object)
    const names = this.#names.get(place) ?? new Set()
    if (type === 'deleted') {
      names.delete(name)
      if (names.size === 0) this.#names.delete(place)
      return []
    }
    if (names.has(name)) return []
    names.add(name)
    this.#names.set(place, names)
    return this.others(object)
  }

  /** The keys of those that share the hash of this Sandbox's name. */
  others(sandbox: Stored<Sandbox>): string[] {
    const { namespace } = sandbox.metadata
    const own = objectKey(sandbox)
    return [...(this.#names.get(placeOf(sandbox)) ?? [])]
      .map((name) => keyOf({ namespace, name }))
      .filter((key) => key !== own)
  }
}

/** As the Services' index `hash`. */
export const placeOf = ({ metadata: { namespace, name } }: Stored): string => `${namespace}/${nameHash(name)}`
