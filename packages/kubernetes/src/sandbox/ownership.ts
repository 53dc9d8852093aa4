import { label, nameHash, type Sandbox } from '../api/index.ts'
import { controllerOf, isControlledBy, type Stored } from '../controller/index.ts'

/** What may be done with an object that has the name of one a Sandbox wants. */
export type Ownership =
  | { readonly kind: 'own' }
  /** Nobody manages it, and its labels permit to take it over. */
  | { readonly kind: 'adopt' }
  /** It is not touched. */
  | { readonly kind: 'refuse'; readonly error: string }

export function decideOwnership(object: Stored, sandbox: Stored<Sandbox>): Ownership {
  const { kind, metadata } = object
  const owner = controllerOf(object)
  if (isControlledBy(object, sandbox)) return { kind: 'own' }
  if (owner) {
    const whose = `${owner.kind}/${owner.name} (UID: ${owner.uid})`
    const error = `${kind} "${metadata.name}" is owned by ${whose}, not by sandbox "${sandbox.metadata.name}"`
    return { kind: 'refuse', error }
  }
  const hash = nameHash(sandbox.metadata.name)
  if (metadata.labels?.[label.adoptable] === 'true' || metadata.labels?.[label.sandboxNameHash] === hash)
    return { kind: 'adopt' }
  const permit = `${label.adoptable}=true nor ${label.sandboxNameHash}=${hash}`
  return {
    kind: 'refuse',
    error: `cannot adopt unowned ${kind} "${metadata.name}": it has neither the label ${permit}`,
  }
}
