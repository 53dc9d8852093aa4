import type { AdmissionObject } from './admission-resources.ts'

/** What a policy is compiled to; the parts of it share their name across kinds. */
export type CompiledPart = 'pods' | 'namespaces' | 'defaults'

export type CompiledKind =
  | 'ValidatingAdmissionPolicy'
  | 'ValidatingAdmissionPolicyBinding'
  | 'MutatingAdmissionPolicy'
  | 'MutatingAdmissionPolicyBinding'

/** An object of the API server that a policy is enforced by. */
export interface CompiledObject {
  readonly kind: CompiledKind
  readonly name: string
  readonly spec: AdmissionObject['spec']
}

const prefix = 'bulkhead-isolation-'
const parts = ['pods', 'namespaces', 'defaults'] as const satisfies readonly CompiledPart[]

export const compiledName = (part: CompiledPart, policy: string): string => `${prefix}${part}-${policy}`

/** Of a policy of this name, whatever it says. */
export const compiledNames = (policy: string): readonly string[] => parts.map((part) => compiledName(part, policy))

/** Whose an object of this name would be. By the name alone, which nobody can change: labels and owners can be taken off. */
export function policyOfCompiled(name: string): string | undefined {
  const part = parts.find((one) => name.startsWith(`${prefix}${one}-`))
  return part && name.slice(prefix.length + part.length + 1)
}
