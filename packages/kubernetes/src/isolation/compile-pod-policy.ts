import type { IsolationPolicySpec, LabelSelector } from '../api/index.ts'
import type { ValidatingPolicySpec } from './admission-resources.ts'
import { celMap, celString } from './cel.ts'
import { classRank, minimumRank } from './isolation-classes.ts'
import { celSelects, selectorKeys } from './label-selector.ts'
import { mayExempt } from './may-exempt.ts'
import { podChecks } from './pod-checks.ts'
import { trustVariables, type Variable } from './trust.ts'

export interface PolicyToCompile {
  readonly name: string
  readonly spec: IsolationPolicySpec
  /** See `selectedNamespaces`. */
  readonly namespaceSelector: LabelSelector
}

const oldLabels = 'oldObject.metadata.?labels.orValue({})'
const newLabels = 'object.metadata.?labels.orValue({})'

/** What every Pod is judged by, whoever creates it and by whatever way it comes to the API server. */
export function compilePodPolicy({ name, spec, namespaceSelector }: PolicyToCompile): ValidatingPolicySpec {
  const { podSelector } = spec
  const checks = podChecks(spec)
  const complaints = checks.map(({ wrong, complaint }) => `(${wrong}) ? ${complaint} : ""`)
  const by = celString(`IsolationPolicy "${name}": `)
  return {
    failurePolicy: 'Fail',
    matchConstraints: {
      matchPolicy: 'Equivalent',
      namespaceSelector,
      // Also matches when only the old labels do: who leaves by a change is seen.
      ...(podSelector && { objectSelector: podSelector }),
      resourceRules: [
        {
          apiGroups: [''],
          apiVersions: ['v1'],
          operations: ['CREATE', 'UPDATE'],
          // The status carries the labels along: with a selector it is a way out.
          resources: ['pods', 'pods/ephemeralcontainers', ...(podSelector ? ['pods/status'] : [])],
          scope: 'Namespaced',
        },
      ],
    },
    variables: podVariables(spec),
    validations: [
      {
        expression: `!variables.judged || !(${checks.map(({ wrong }) => `(${wrong})`).join(' || ')})`,
        message: `IsolationPolicy "${name}" does not allow this Pod: see \`kubectl describe isolationpolicy ${name}\``,
        // Made only for those that are refused.
        messageExpression: `${by} + [${complaints.join(', ')}].filter(complaint, complaint != "").join("; ")`,
        reason: 'Forbidden',
      },
      ...(podSelector ? [stays(name, podSelector)] : []),
    ],
  }
}

const stays = (name: string, podSelector: LabelSelector) => ({
  expression: `request.operation == "CREATE" || !(${celSelects(podSelector, oldLabels)}) || ${celSelects(podSelector, newLabels)} || ${mayExempt(name)}`,
  message: `IsolationPolicy "${name}": with these labels the Pod would no longer be selected by it; leave ${selectorKeys(podSelector).join(', ')} as they are`,
  reason: 'Forbidden',
})

function podVariables(spec: IsolationPolicySpec): Variable[] {
  const { podSelector, runtimeClasses } = spec
  const trust = trustVariables(spec)
  const ranks = celMap(runtimeClasses.map((one) => [one.name, String(classRank[one.class])]))
  const least = [
    String(minimumRank(spec)),
    ...(trust.length > 0 ? ['variables.podTrustRank', 'variables.namespaceTrustRank'] : []),
  ]
  return [
    // A Pod from before the policy stays as it is and can be labelled and deleted, but nothing more gets into it.
    {
      name: 'judged',
      expression: [
        'request.operation == "CREATE" || object.spec != oldObject.spec',
        ...(podSelector ? [`!(${celSelects(podSelector, oldLabels)})`] : []),
      ].join(' || '),
    },
    ...trust,
    { name: 'runtimeClass', expression: 'object.spec.?runtimeClassName.orValue("")' },
    { name: 'rank', expression: `${ranks}[?variables.runtimeClass].orValue(0)` },
    { name: 'required', expression: `[${least.join(', ')}].max()` },
    {
      name: 'containers',
      expression:
        'object.spec.containers + object.spec.?initContainers.orValue([]) + object.spec.?ephemeralContainers.orValue([])',
    },
  ]
}
