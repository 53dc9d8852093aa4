import { expect, it } from 'vitest'
import type { FailureDomains, IsolationPolicy, IsolationPolicySpec } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { failureDomainsOf } from './failure-domains-of.ts'
import { namespaceNameLabel } from './selected-namespaces.ts'
import { storedPolicy } from './testing/stored-policy.ts'

const policy = (failureDomains: FailureDomains, more: Partial<IsolationPolicySpec> = {}): Stored<IsolationPolicy> =>
  storedPolicy({ namespaceSelector: { matchLabels: { agents: 'yes' } }, failureDomains, ...more })
const ours = { namespace: { agents: 'yes', [namespaceNameLabel]: 'team' }, pod: { app: 'a' } }
const found = (...policies: Stored<IsolationPolicy>[]) => failureDomainsOf(policies, ours, 'operator')
const domains = (wanted: Partial<FailureDomains>) => ({ kind: 'found', domains: wanted })

it('takes the strictest of what all that select a Pod say', () => {
  expect(
    found(
      policy({ shardSize: 8, tenantsPerNode: 2, spread: ['zone'] }),
      policy({ shardSize: 4, spread: ['rack', 'zone'] }),
      policy({ shardSize: 5, tenantsPerNode: 5 })
    )
  ).toEqual(domains({ shardSize: 4, tenantsPerNode: 2, spread: ['rack', 'zone'] }))
})

it.each<[string, Partial<IsolationPolicySpec>]>([
  ['other namespaces', { namespaceSelector: { matchLabels: { agents: 'no' } } }],
  ['other Pods', { podSelector: { matchLabels: { app: 'b' } } }],
  ['nothing, being only tried', { violation: 'Warn' }],
])('leaves out a policy for %s', (_, more) => {
  expect(found(policy({ shardSize: 1 }, more))).toEqual(domains({}))
})

it('spares what admission spares', () => {
  const all = policy({ shardSize: 1 }, { namespaceSelector: {} })
  const labels = { pod: {}, namespace: { [namespaceNameLabel]: 'operator' } }
  expect(failureDomainsOf([all], labels, 'operator')).toEqual(domains({}))
  expect(failureDomainsOf([all], ours, 'operator')).toEqual(domains({ shardSize: 1 }))
})

it('says of one that cannot be read that it cannot, and lets nobody past it', () => {
  const broken = policy({ shardSize: 1 }, { namespaceSelector: 'all' as never })
  expect(found(broken)).toMatchObject({ kind: 'unreadable', why: expect.stringContaining('IsolationPolicy') })
})
