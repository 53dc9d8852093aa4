import { createHash } from 'node:crypto'
import type { IsolationPolicy } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import type { AdmissionObject } from './admission-resources.ts'
import { compileNamespaceGuard } from './compile-namespace-guard.ts'
import { compilePodDefaults } from './compile-pod-defaults.ts'
import { compilePodPolicy } from './compile-pod-policy.ts'
import { type CompiledObject, type CompiledPart, compiledName } from './compiled-object.ts'
import { selectedNamespaces } from './selected-namespaces.ts'

export interface CompileOptions {
  /** Not selected unless it is named, as `kube-system`. */
  readonly operatorNamespace: string
  /** Whether the API server has MutatingAdmissionPolicy. */
  readonly mutating: boolean
}

export interface Compiled {
  /** In the order in which they are made: what decides before what binds it. */
  readonly objects: readonly CompiledObject[]
  /** Of all that the API server is told. */
  readonly hash: string
  /** The policy would fill something in, and the API server cannot. */
  readonly lacksDefaults: boolean
}

/** What enforces a policy; pure. Throws a TypeError on a selector that is none. */
export function compileIsolationPolicy(
  { metadata: { name }, spec }: Pick<Stored<IsolationPolicy>, 'metadata' | 'spec'>,
  { operatorNamespace, mutating }: CompileOptions
): Compiled {
  const namespaceSelector = selectedNamespaces(spec.namespaceSelector, operatorNamespace)
  const policy = { name, spec, namespaceSelector }
  const defaults = compilePodDefaults(policy)
  const validationActions = actions[spec.violation ?? 'Deny']
  const validating = (part: CompiledPart, policySpec: AdmissionObject['spec']): CompiledObject[] => [
    { kind: 'ValidatingAdmissionPolicy', name: compiledName(part, name), spec: policySpec },
    {
      kind: 'ValidatingAdmissionPolicyBinding',
      name: compiledName(part, name),
      spec: { policyName: compiledName(part, name), validationActions },
    },
  ]
  const objects: CompiledObject[] = [
    // Whoever is refused what nobody fills in could do nothing: first what fills in.
    ...(defaults && mutating ? defaulting(compiledName('defaults', name), defaults) : []),
    ...validating('pods', compilePodPolicy(policy)),
    ...validating('namespaces', compileNamespaceGuard(policy)),
  ]
  return { objects, hash: hashOf(objects), lacksDefaults: defaults !== undefined && !mutating }
}

const defaulting = (name: string, spec: AdmissionObject['spec']): CompiledObject[] => [
  { kind: 'MutatingAdmissionPolicy', name, spec },
  { kind: 'MutatingAdmissionPolicyBinding', name, spec: { policyName: name } },
]

/** What is refused or warned of is in the audit log as well. */
const actions = { Deny: ['Deny', 'Audit'], Warn: ['Warn', 'Audit'], Audit: ['Audit'] } as const

const hashOf = (objects: readonly CompiledObject[]): string =>
  createHash('sha256').update(JSON.stringify(objects)).digest('hex').slice(0, 16)
