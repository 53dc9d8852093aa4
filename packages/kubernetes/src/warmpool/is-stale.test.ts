import { expect, it } from 'vitest'
import { annotation, label, nameHash, type Sandbox, type SandboxTemplateSpec } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { isStale } from './is-stale.ts'
import { memberOf, templateOf } from './testing/warm-pool-objects.ts'

const containers = [{ name: 'main', image: 'busybox' }]
const volume = (name: string, storage: string) => ({
  metadata: { name },
  spec: { resources: { requests: { storage } } },
})
const volumes = [volume('a', '1Gi'), volume('b', '1Gi')]

it.each<[string, Partial<SandboxTemplateSpec>, Partial<SandboxTemplateSpec>, boolean]>([
  ['nothing', {}, {}, false],
  ['the image', {}, { podTemplate: { spec: { containers: [{ name: 'main', image: 'other' }] } } }, true],
  ['labels of the Pod', {}, { podTemplate: { metadata: { labels: { a: 'b' } }, spec: { containers } } }, false],
  ['a secure default, by the template’s network policy', {}, { networkPolicyManagement: 'Unmanaged' }, true],
  [
    'a default into what it is',
    {},
    { podTemplate: { spec: { containers, automountServiceAccountToken: false } } },
    false,
  ],
  ['what claims may add', {}, { envVarsInjectionPolicy: 'Allowed' }, false],
  ['service', {}, { service: true }, true],
  ['volume claims', {}, { volumeClaimTemplates: volumes }, true],
  ['none into an empty list of volume claims', {}, { volumeClaimTemplates: [] }, false],
  ['a volume’s size', { volumeClaimTemplates: volumes }, { volumeClaimTemplates: [volume('a', '2Gi')] }, true],
  [
    'the order of volume claims',
    { volumeClaimTemplates: volumes },
    { volumeClaimTemplates: volumes.toReversed() },
    true,
  ],
  [
    'labels of a volume claim',
    { volumeClaimTemplates: volumes },
    {
      volumeClaimTemplates: volumes.map(({ metadata, spec }) => ({
        metadata: { ...metadata, labels: { a: 'b' } },
        spec,
      })),
    },
    false,
  ],
])('when %s changes', (_, before, after, stale) => {
  expect(isStale(memberOf('a', { template: templateOf(before) }), templateOf(after))).toBe(stale)
})

const relabelled = (labels: Record<string, string>, annotations: Record<string, string> = {}): Stored<Sandbox> => {
  const member = memberOf('a')
  const { metadata } = member
  return {
    ...member,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...labels },
      annotations: { ...metadata.annotations, ...annotations },
    },
  }
}

it('is stale when it is of another template, whatever is in it', () => {
  expect(isStale(memberOf('a'), templateOf({}, 'other'))).toBe(true)
  expect(isStale(relabelled({ [label.sandboxTemplateRefHash]: nameHash('other') }), templateOf())).toBe(true)
  // Two names can have one hash.
  expect(isStale(relabelled({}, { [annotation.sandboxTemplateRef]: 'other' }), templateOf())).toBe(true)
})

it('takes another controller’s hash for what it is: unknown', () => {
  const foreign = relabelled({ [label.sandboxTemplateHash]: 'abc' })
  expect(isStale(foreign, templateOf())).toBe(false)
  expect(isStale(foreign, templateOf({ service: true }))).toBe(true)
})

it('does not look at the order of keys', () => {
  const reordered = templateOf({ podTemplate: { spec: { containers: [{ image: 'busybox', name: 'main' }] } } })
  const member = memberOf('a')
  const hash = memberOf('a', { template: reordered }).metadata.labels?.[label.sandboxTemplateHash]
  expect(hash).toBe(member.metadata.labels?.[label.sandboxTemplateHash])
})
