import { describe, expect, it } from 'vitest'
import {
  malformationOfClaim,
  malformationOfIsolationPolicy,
  malformationOfSandbox,
  malformationOfTemplate,
  malformationOfWarmPool,
} from './malformation.ts'

type Case = readonly [what: string, spec: unknown, wrong: string | undefined]

const podTemplate = { spec: { containers: [{ name: 'main', image: 'a' }], tolerations: [] } }
const warmPoolRef = { name: 'pool' }
const sandboxTemplateRef = { name: 'template' }
const isolation = { namespaceSelector: {}, runtimeClasses: [{ name: 'gvisor', class: 'userspace' }] }

/** One of each kind, with what it can say at most. */
const whole = {
  sandbox: {
    podTemplate: { ...podTemplate, metadata: { labels: { 'a/b': 'c' }, annotations: {} } },
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }],
    service: true,
    operatingMode: 'Running',
    shutdownTime: '2026-01-01T00:00:00.5+01:00',
  },
  template: { podTemplate, networkPolicy: { ingress: [{}], egress: [] }, envVarsInjectionPolicy: 'Overrides' },
  pool: { replicas: 0, sandboxTemplateRef, updateStrategy: { type: 'Recreate' } },
  claim: {
    warmPoolRef,
    lifecycle: { shutdownTime: '2026-01-01t00:00:00z', ttlSecondsAfterFinished: 0, shutdownPolicy: 'Delete' },
    additionalPodMetadata: { labels: { 'a/b': 'c' } },
    env: [{ name: 'A', value: '' }],
    volumeClaimTemplates: [{ spec: {} }],
  },
}

const kinds: Readonly<Record<string, readonly [(object: object) => string | undefined, readonly Case[]]>> = {
  Sandbox: [
    malformationOfSandbox,
    [
      ['all there is', whole.sandbox, undefined],
      ['a word of another version', { podTemplate, operatingMode: 'Sleeping', more: 1 }, undefined],
      ['nothing', undefined, 'spec is missing'],
      ['text', 'a sandbox', 'spec is not an object: "a sandbox"'],
      ['null', null, 'spec is not an object: null'],
      ['no Pod', {}, 'spec.podTemplate is missing'],
      [
        'containers by name',
        { podTemplate: { spec: { containers: { a: {} } } } },
        'spec.podTemplate.spec.containers is not a list',
      ],
      [
        'labels that are numbers',
        { podTemplate: { ...podTemplate, metadata: { labels: { 'a/b': 1 } } } },
        'spec.podTemplate.metadata.labels["a/b"] is not text: 1',
      ],
      ['a time that is none', { podTemplate, shutdownTime: 'soon' }, 'spec.shutdownTime is not a time: "soon"'],
      ['a time that is a number', { podTemplate, shutdownTime: 7 }, 'spec.shutdownTime is not text: 7'],
      ['a year alone', { podTemplate, shutdownTime: '2001' }, 'spec.shutdownTime is not a time: "2001"'],
      [
        'a claim without metadata',
        { podTemplate, volumeClaimTemplates: [{ spec: {} }] },
        'spec.volumeClaimTemplates[0].metadata is missing',
      ],
      [
        'a claim without a name',
        { podTemplate, volumeClaimTemplates: [{ metadata: { name: '' } }] },
        'spec.volumeClaimTemplates[0].metadata.name is empty: ""',
      ],
      ['text that is long', 'x'.repeat(1000), `spec is not an object: "${'x'.repeat(99)}…`],
    ],
  ],
  SandboxTemplate: [
    malformationOfTemplate,
    [
      ['all there is', whole.template, undefined],
      ['nothing', undefined, 'spec is missing'],
      ['text', { podTemplate: 'a pod' }, 'spec.podTemplate is not an object: "a pod"'],
      [
        'rules that are text',
        { podTemplate, networkPolicy: { ingress: 'all' } },
        'spec.networkPolicy.ingress is not a list: "all"',
      ],
      [
        'an unknown permission',
        { podTemplate, envVarsInjectionPolicy: 'Some' },
        'spec.envVarsInjectionPolicy is none of Disallowed, Allowed, Overrides: "Some"',
      ],
    ],
  ],
  SandboxWarmPool: [
    malformationOfWarmPool,
    [
      ['all there is', whole.pool, undefined],
      ['the least', { sandboxTemplateRef }, undefined],
      ['nothing', undefined, 'spec is missing'],
      ['many', { replicas: 'many', sandboxTemplateRef }, 'spec.replicas is not a whole number: "many"'],
      ['less than none', { replicas: -3, sandboxTemplateRef }, 'spec.replicas is less than 0: -3'],
      ['a part of one', { replicas: 1.5, sandboxTemplateRef }, 'spec.replicas is not a whole number: 1.5'],
      ['a number for a name', { sandboxTemplateRef: { name: 7 } }, 'spec.sandboxTemplateRef.name is not text: 7'],
    ],
  ],
  IsolationPolicy: [
    malformationOfIsolationPolicy,
    [
      ['the least', isolation, undefined],
      ['a word of another version', { ...isolation, podSecurity: { allow: ['More'] }, extra: 'Sigh' }, undefined],
      ['nothing', undefined, 'spec is missing'],
      ['no selector', { ...isolation, namespaceSelector: undefined }, 'spec.namespaceSelector is missing'],
      [
        'an operator that is none',
        { ...isolation, namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'Near' }] } },
        'spec.namespaceSelector.matchExpressions[0].operator is none of In, NotIn, Exists, DoesNotExist: "Near"',
      ],
      [
        'an unknown class',
        { ...isolation, minimumClass: 'steel' },
        'spec.minimumClass is none of hardware, userspace: "steel"',
      ],
      [
        'an unknown violation',
        { ...isolation, violation: 'Sigh' },
        'spec.violation is none of Deny, Warn, Audit: "Sigh"',
      ],
      [
        'an unknown demand',
        { ...isolation, podSecurity: { require: ['Luck'] } },
        'spec.podSecurity.require[0] is none of UserNamespaces: "Luck"',
      ],
    ],
  ],
  SandboxClaim: [
    malformationOfClaim,
    [
      ['all there is', whole.claim, undefined],
      ['nothing', undefined, 'spec is missing'],
      ['a pool by its name', { warmPoolRef: 'pool' }, 'spec.warmPoolRef is not an object: "pool"'],
      ['variables by name', { warmPoolRef, env: { A: '1' } }, 'spec.env is not a list'],
      [
        'a variable that is a number',
        { warmPoolRef, env: [{ name: 'A', value: 1 }] },
        'spec.env[0].value is not text: 1',
      ],
      [
        'a time that is none',
        { warmPoolRef, lifecycle: { shutdownTime: 'soon' } },
        'spec.lifecycle.shutdownTime is not a time: "soon"',
      ],
      [
        'labels in a list',
        { warmPoolRef, additionalPodMetadata: { labels: ['a'] } },
        'spec.additionalPodMetadata.labels is not an object',
      ],
    ],
  ],
}

describe.each(Object.entries(kinds))('a %s', (_, [malformationOf, cases]) => {
  it.each(cases)('that says %s', (_what, spec, wrong) => {
    // Frozen, as objects of a cache are.
    expect(malformationOf(Object.freeze({ ...(spec !== undefined && { spec }) }))).toBe(wrong)
  })
})
