import type { IsolationPolicySpec } from '../api/index.ts'
import type { MutatingPolicySpec } from './admission-resources.ts'
import { celString } from './cel.ts'
import type { PolicyToCompile } from './compile-pod-policy.ts'
import { celRuntimeClassByTrust, trustVariables } from './trust.ts'

/**
 * What Pods get that say nothing themselves, so that those who know nothing of the policy comply. Undefined: nothing. Whoever says something else is not
 * overruled, but refused.
 */
export function compilePodDefaults({ spec, namespaceSelector }: PolicyToCompile): MutatingPolicySpec | undefined {
  const defaults = defaultsOf(spec)
  // Nothing is to change where a policy is only tried.
  if (defaults.length === 0 || (spec.violation ?? 'Deny') !== 'Deny') return undefined
  const expression = defaults.map(({ isOpen, patches }) => `(${isOpen} ? ${patches} : [])`).join(' + ')
  return {
    failurePolicy: 'Fail',
    // What others change after this is judged like everything else.
    reinvocationPolicy: 'Never',
    matchConstraints: {
      matchPolicy: 'Equivalent',
      namespaceSelector,
      ...(spec.podSelector && { objectSelector: spec.podSelector }),
      resourceRules: [
        { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' },
      ],
    },
    matchConditions: [
      // The Pod of a static manifest runs as its file says: changing what stands for it here would only hide that.
      {
        name: 'no-mirror',
        expression: '!("kubernetes.io/config.mirror" in object.metadata.?annotations.orValue({}))',
      },
      // The API server goes through all of admission a second time after each mutation, also after one that has changed nothing.
      { name: 'leaves-something-open', expression: defaults.map(({ isOpen }) => `(${isOpen})`).join(' || ') },
    ],
    variables: [...trustVariables(spec)],
    // One, because each costs as much as all together.
    mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression } }],
  }
}

interface Default {
  /** An expression: whether the Pod says nothing about it. Without variables: conditions come before these. */
  readonly isOpen: string
  /** An expression of the list of patches that it then gets. */
  readonly patches: string
}

function defaultsOf(spec: IsolationPolicySpec): Default[] {
  const allowed = new Set(spec.podSecurity?.allow)
  return [
    ...(spec.defaultRuntimeClassName || spec.trustLevels?.length ? [runtimeClass(spec)] : []),
    ...(allowed.has('UnconfinedSeccomp') ? [] : [seccomp]),
    ...(allowed.has('ServiceAccountToken') ? [] : [noToken]),
    ...(spec.podSecurity?.require?.includes('UserNamespaces') ? [userNamespaces] : []),
  ]
}

/** Paths and values are expressions. */
const patch = (op: 'add' | 'replace', path: string, value: string): string =>
  `JSONPatch{op: "${op}", path: ${path}, value: ${value}}`
const add = (path: string, value: string): string => `[${patch('add', celString(path), value)}]`

function runtimeClass(spec: IsolationPolicySpec): Default {
  const name = `(${celRuntimeClassByTrust(spec, spec.defaultRuntimeClassName ?? '')})`
  return {
    isOpen: 'object.spec.?runtimeClassName.orValue("") == ""',
    patches: `(${name} == "" ? [] : ${add('/spec/runtimeClassName', name)})`,
  }
}

const seccomp: Default = {
  isOpen: '!object.spec.?securityContext.?seccompProfile.hasValue()',
  patches: `(has(object.spec.securityContext) ? [] : ${add('/spec/securityContext', '{}')}) + ${add('/spec/securityContext/seccompProfile', '{"type": "RuntimeDefault"}')}`,
}

const userNamespaces: Default = { isOpen: '!has(object.spec.hostUsers)', patches: add('/spec/hostUsers', 'false') }

/** As the admission plugin ServiceAccount names the volume it adds; it comes before every policy, and adds none where it is told not to. */
const isInjected = (name: string) => `${name}.startsWith("kube-api-access-")`
const hasInjected = (list: string) => `${list}.orValue([]).exists(one, ${isInjected('one.name')})`
const withoutInjected = (list: string) => `${list}.filter(one, !${isInjected('one.name')})`
/** An expression of patches that take the injected mounts out of containers. */
const withoutMounts = (field: string) =>
  `object.spec.?${field}.orValue([]).transformList(i, c, ${hasInjected('c.?volumeMounts')}, ${patch('replace', `"/spec/${field}/" + string(i) + "/volumeMounts"`, withoutInjected('c.volumeMounts'))})`

const noToken: Default = {
  isOpen: '!has(object.spec.automountServiceAccountToken)',
  patches: [
    add('/spec/automountServiceAccountToken', 'false'),
    `(${hasInjected('object.spec.?volumes')} ? [${patch('replace', '"/spec/volumes"', withoutInjected('object.spec.volumes'))}] : [])`,
    withoutMounts('containers'),
    withoutMounts('initContainers'),
  ].join(' + '),
}
