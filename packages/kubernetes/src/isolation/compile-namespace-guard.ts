import { isolationPolicies, trustLabel } from '../api/index.ts'
import type { ValidatingPolicySpec } from './admission-resources.ts'
import { celString, celValueOf } from './cel.ts'
import type { PolicyToCompile } from './compile-pod-policy.ts'
import { celSelects, selectorKeys } from './label-selector.ts'
import { mayExempt } from './may-exempt.ts'
import { namespaceNameLabel } from './selected-namespaces.ts'

/** A namespace that is being made has had only its name before: one that opts out of a policy for all others does so by its first labels. */
const oldLabels = `(request.operation == "CREATE" ? {${celString(namespaceNameLabel)}: object.metadata.name} : oldObject.metadata.?labels.orValue({}))`
const newLabels = 'object.metadata.?labels.orValue({})'

/** Keeps namespaces in: with their labels, who may change these could leave a policy, or lower what it asks for. */
export function compileNamespaceGuard({ name, spec, namespaceSelector }: PolicyToCompile): ValidatingPolicySpec {
  const keys = selectorKeys(namespaceSelector).filter((key) => key !== namespaceNameLabel)
  const resource = `${isolationPolicies.plural}.${isolationPolicies.group}`
  const permission = `whoever may "exempt" ${resource} "${name}" can`
  return {
    failurePolicy: 'Fail',
    matchConstraints: {
      matchPolicy: 'Equivalent',
      resourceRules: [
        {
          apiGroups: [''],
          apiVersions: ['v1'],
          operations: ['CREATE', 'UPDATE'],
          // The subresources carry the labels along.
          resources: ['namespaces', 'namespaces/status', 'namespaces/finalize'],
          scope: 'Cluster',
        },
      ],
    },
    matchConditions: [{ name: 'selected-before', expression: celSelects(namespaceSelector, oldLabels) }],
    variables: [{ name: 'mayExempt', expression: mayExempt(name) }],
    validations: [
      {
        expression: `${celSelects(namespaceSelector, newLabels)} || variables.mayExempt`,
        message: `IsolationPolicy "${name}": with these labels the namespace would not be selected by it (${keys.join(', ')}); ${permission} change them`,
        reason: 'Forbidden',
      },
      ...((spec.trustLevels ?? []).length > 0
        ? [
            {
              expression: `request.operation == "CREATE" || ${celValueOf(newLabels, trustLabel)} == ${celValueOf(oldLabels, trustLabel)} || variables.mayExempt`,
              message: `IsolationPolicy "${name}": the label ${trustLabel} decides how the namespace is isolated; ${permission} change it`,
              reason: 'Forbidden',
            },
          ]
        : []),
    ],
  }
}
