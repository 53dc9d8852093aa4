import type { IsolationPolicySpec } from '../api/index.ts'
import type { MutatingPolicySpec } from './admission-resources.ts'
import { celAll, celString } from './cel.ts'
import type { PolicyToCompile } from './compile-pod-policy.ts'
import { celRuntimeClassByTrust, trustVariables } from './trust.ts'

/**
 * What Pods get that say nothing themselves, so that those who know nothing of the policy comply. Undefined: nothing. Whoever says something else is not
 * overruled, but refused.
 */
export function compilePodDefaults({ spec, namespaceSelector }: PolicyToCompile): MutatingPolicySpec | undefined {
  const patches = celDefaults(spec)
  // Nothing is to change where a policy is only tried.
  if (patches.length === 0 || (spec.violation ?? 'Deny') !== 'Deny') return undefined
  return {
    failurePolicy: 'Fail',
    // What others add after this, such as containers, is seen as well.
    reinvocationPolicy: 'IfNeeded',
    matchConstraints: {
      matchPolicy: 'Equivalent',
      namespaceSelector,
      ...(spec.podSelector && { objectSelector: spec.podSelector }),
      resourceRules: [
        { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' },
      ],
    },
    // The Pod of a static manifest runs as its file says: changing what stands for it here would only hide that.
    matchConditions: [
      {
        name: 'no-mirror',
        expression: '!("kubernetes.io/config.mirror" in object.metadata.?annotations.orValue({}))',
      },
    ],
    variables: [...trustVariables(spec)],
    mutations: patches.map((expression) => ({ patchType: 'JSONPatch', jsonPatch: { expression } })),
  }
}

/** An expression of a patch when `condition` holds. `value` is an expression. */
const addIf = (condition: string, path: string, value: string) =>
  `${condition} ? [JSONPatch{op: "add", path: ${celString(path)}, value: ${value}}] : []`

function celDefaults(spec: IsolationPolicySpec): string[] {
  const allowed = new Set(spec.podSecurity?.allow)
  return [
    ...(spec.defaultRuntimeClassName || spec.trustLevels?.length ? [celDefaultRuntimeClass(spec)] : []),
    ...(allowed.has('UnconfinedSeccomp') ? [] : celDefaultSeccomp),
    ...(allowed.has('ServiceAccountToken') ? [] : [celWithoutToken]),
    ...(spec.podSecurity?.require?.includes('UserNamespaces')
      ? [addIf('!has(object.spec.hostUsers)', '/spec/hostUsers', 'false')]
      : []),
  ]
}

function celDefaultRuntimeClass(spec: IsolationPolicySpec): string {
  const name = `(${celRuntimeClassByTrust(spec, spec.defaultRuntimeClassName ?? '')})`
  const isUnset = 'object.spec.?runtimeClassName.orValue("") == ""'
  return addIf(celAll([isUnset, `${name} != ""`]), '/spec/runtimeClassName', name)
}

const celDefaultSeccomp = [
  addIf('!has(object.spec.securityContext)', '/spec/securityContext', '{}'),
  addIf(
    '!has(object.spec.securityContext.seccompProfile)',
    '/spec/securityContext/seccompProfile',
    '{"type": "RuntimeDefault"}'
  ),
]

/** As the admission plugin ServiceAccount names the volume it adds; it comes before every policy, and adds none where it is told not to. */
const isInjected = (name: string) => `${name}.startsWith("kube-api-access-")`
/** An expression of patches that take the injected mounts out of containers. */
const withoutMounts = (field: string) =>
  `object.spec.?${field}.orValue([]).transformList(i, c, c.?volumeMounts.orValue([]).exists(m, ${isInjected('m.name')}), JSONPatch{op: "replace", path: "/spec/${field}/" + string(i) + "/volumeMounts", value: c.volumeMounts.filter(m, !${isInjected('m.name')})})`

const celWithoutToken = `has(object.spec.automountServiceAccountToken) ? [] : [JSONPatch{op: "add", path: "/spec/automountServiceAccountToken", value: false}] + (object.spec.?volumes.orValue([]).exists(v, ${isInjected('v.name')}) ? [JSONPatch{op: "replace", path: "/spec/volumes", value: object.spec.volumes.filter(v, !${isInjected('v.name')})}] + ${withoutMounts('containers')} + ${withoutMounts('initContainers')} : [])`
