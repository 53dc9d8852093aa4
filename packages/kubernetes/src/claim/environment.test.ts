import { describe, expect, it } from 'vitest'
import type { ClaimEnvironmentVariable, InjectionPolicy, PodSpec } from '../api/index.ts'
import { withEnvironment } from './environment.ts'

const spec: PodSpec = {
  containers: [
    {
      name: 'main',
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
      ],
    },
    { name: 'side', envFrom: [{ configMapRef: { name: 'c' } }] },
  ],
  initContainers: [{ name: 'init' }],
}

const envOf = (name: string, result: PodSpec) =>
  [...result.containers, ...(result.initContainers ?? [])]
    .find((container) => container.name === name)
    ?.env?.map((variable) => `${variable.name}=${variable.value}`)

describe('environment variables of claims', () => {
  it('are none of the Pod when there are none', () => {
    expect(withEnvironment(spec, [], 'Disallowed')).toBe(spec)
  })

  it.each<[string, InjectionPolicy, ClaimEnvironmentVariable, string, readonly string[]]>([
    ['new in the first container', 'Allowed', { name: 'C', value: '3' }, 'main', ['A=1', 'B=2', 'C=3']],
    ['new in a named init container', 'Allowed', { name: 'C', value: '3', containerName: 'init' }, 'init', ['C=3']],
    ['in place of another', 'Overrides', { name: 'A', value: '3' }, 'main', ['A=3', 'B=2']],
    ['beside other sources', 'Overrides', { name: 'A', value: '3', containerName: 'side' }, 'side', ['A=3']],
  ])('%s (%s)', (_, policy, variable, container, expected) => {
    expect(envOf(container, withEnvironment(spec, [variable], policy))).toEqual(expected)
  })

  it.each<[string, InjectionPolicy | undefined, ClaimEnvironmentVariable, string]>([
    ['any, when disallowed', 'Disallowed', { name: 'C', value: '3' }, 'EnvVarsInjectionRejected'],
    ['any, by default', undefined, { name: 'C', value: '3' }, 'EnvVarsInjectionRejected'],
    [
      'what envFrom may define',
      'Allowed',
      { name: 'C', value: '3', containerName: 'side' },
      'EnvVarsInjectionRejected',
    ],
    ['what is there', 'Allowed', { name: 'A', value: '3' }, 'ReconcilerError'],
    ['of an unknown container', 'Overrides', { name: 'A', value: '3', containerName: 'x' }, 'ReconcilerError'],
  ])('not %s (%s)', (_, policy, variable, reason) => {
    expect(() => withEnvironment(spec, [variable], policy)).toThrow(
      expect.objectContaining({ reason, retry: 'onInput' })
    )
  })
})
