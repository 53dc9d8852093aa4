import { describe, expect, it } from 'vitest'
import type { IsolationPolicySpec } from '../api/index.ts'
import { compileIsolationPolicy } from './compile-isolation-policy.ts'
import { policyOfCompiled } from './compiled-object.ts'
import { storedPolicy } from './testing/stored-policy.ts'

const compile = (spec: Partial<IsolationPolicySpec> = {}, mutating = true) =>
  compileIsolationPolicy(storedPolicy(spec), { operatorNamespace: 'operator', mutating })
const namesOf = ({ objects }: ReturnType<typeof compile>) => objects.map(({ kind, name }) => `${kind} ${name}`)
const find = ({ objects }: ReturnType<typeof compile>, kind: string, part: string): object =>
  objects.find((one) => one.kind === kind && one.name === `bulkhead-isolation-${part}-agents`)?.spec ?? {}

// What the expressions do is seen in test/isolation.test.ts: by an API server.
describe('a policy is compiled', () => {
  it('to policies with what binds them, in that order', () => {
    expect(namesOf(compile())).toEqual([
      'MutatingAdmissionPolicy bulkhead-isolation-defaults-agents',
      'MutatingAdmissionPolicyBinding bulkhead-isolation-defaults-agents',
      'ValidatingAdmissionPolicy bulkhead-isolation-pods-agents',
      'ValidatingAdmissionPolicyBinding bulkhead-isolation-pods-agents',
      'ValidatingAdmissionPolicy bulkhead-isolation-namespaces-agents',
      'ValidatingAdmissionPolicyBinding bulkhead-isolation-namespaces-agents',
    ])
  })

  it('that fail closed, need no parameters and spare nobody by a condition', () => {
    const { objects } = compile({
      podSelector: { matchLabels: { a: 'b' } },
      trustLevels: [{ level: 'a', runtimeClassName: 'kata' }],
    })
    for (const { kind, spec } of objects)
      if (!kind.endsWith('Binding')) expect(spec).toMatchObject({ failurePolicy: 'Fail' })
    for (const { spec } of objects) expect(Object.keys(spec)).not.toContain('paramKind')
    expect(find(compile(), 'ValidatingAdmissionPolicy', 'pods')).not.toHaveProperty('matchConditions')
  })

  it.each([
    ['Deny', ['Deny', 'Audit']],
    ['Warn', ['Warn', 'Audit']],
    ['Audit', ['Audit']],
    [undefined, ['Deny', 'Audit']],
  ] as const)('with the violation %s', (violation, validationActions) => {
    const compiled = compile({ ...(violation && { violation }) })
    for (const part of ['pods', 'namespaces'])
      expect(find(compiled, 'ValidatingAdmissionPolicyBinding', part)).toMatchObject({ validationActions })
    expect(namesOf(compiled).some((name) => name.startsWith('Mutating'))).toBe(validationActions[0] === 'Deny')
    expect(compiled.lacksDefaults).toBe(false)
  })

  it('without defaults where the API server fills nothing in, which is said', () => {
    const compiled = compile({}, false)
    expect(namesOf(compiled).filter((name) => name.startsWith('Mutating'))).toEqual([])
    expect(compiled.lacksDefaults).toBe(true)
  })

  it('to nothing that fills in when nothing is to be filled in', () => {
    const compiled = compile({ podSecurity: { allow: ['ServiceAccountToken', 'UnconfinedSeccomp'] } }, false)
    expect(compiled.lacksDefaults).toBe(false)
  })

  it('always to the same, and to another with every change', () => {
    expect(compile().hash).toBe(compile().hash)
    const changes: Partial<IsolationPolicySpec>[] = [
      {},
      { minimumClass: 'hardware' },
      { violation: 'Audit' },
      { podSecurity: { allow: ['HostPath'] } },
      { podSecurity: { require: ['UserNamespaces'] } },
      { namespaceSelector: {} },
      { podSelector: {} },
      { defaultRuntimeClassName: 'gvisor' },
      { trustLevels: [{ level: 'a', runtimeClassName: 'gvisor' }] },
    ]
    expect(new Set(changes.map((change) => compile(change).hash)).size).toBe(changes.length)
  })

  it('with what a Pod may do left out of what it is judged by', () => {
    const { validations } = find(
      compile({ podSecurity: { allow: ['HostPath'] } }),
      'ValidatingAdmissionPolicy',
      'pods'
    ) as {
      validations: { expression: string; messageExpression: string }[]
    }
    expect(validations).toHaveLength(1)
    for (const text of [validations[0]?.expression, validations[0]?.messageExpression]) {
      expect(text).toContain('hostPID')
      expect(text).not.toContain('hostPath')
    }
  })

  it('not with a selector that is none', () => {
    const selector = { matchExpressions: [{ key: 'a', operator: 'Near' }] }
    expect(() => compile({ namespaceSelector: selector })).toThrow(TypeError)
  })
})

it.each([
  ['bulkhead-isolation-pods-agents', 'agents'],
  ['bulkhead-isolation-namespaces-pods-agents', 'pods-agents'],
  ['bulkhead-isolation-agents', undefined],
  ['another', undefined],
])('an object of the name %s would be of the policy %s', (name, policy) => {
  expect(policyOfCompiled(name)).toBe(policy)
})
