import type { Change, NetworkPolicy, Stored } from '../controller/index.ts'
import { type NetworkPolicySpec, templateNameOf } from './network-policy.ts'
import { isOurs } from './plan-policy.ts'

/**
 * What policies said that were deleted while their template was deleted, too: nothing else knows it then. In memory only: it is for the moments between
 * the garbage collector's delete and ours to make it good.
 */
export class LostPolicies {
  readonly #specs = new Map<string, NetworkPolicySpec>()
  readonly #expected = new Set<string>()

  /** This one is deleted on purpose. */
  expect({ metadata }: Stored<NetworkPolicy>): void {
    this.#expected.add(metadata.uid)
  }

  observe({ type, object }: Change<NetworkPolicy>): void {
    const { uid, namespace, name } = object.metadata
    const template = templateNameOf(name)
    if (type !== 'deleted' || !template || this.#expected.delete(uid)) return
    if (object.spec && isOurs(object, template)) this.#specs.set(`${namespace}/${template}`, object.spec)
  }

  /** `key`: of the template. */
  specOf(key: string): NetworkPolicySpec | undefined {
    return this.#specs.get(key)
  }

  forget(key: string): void {
    this.#specs.delete(key)
  }
}
