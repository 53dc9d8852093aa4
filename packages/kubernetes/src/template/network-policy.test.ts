import { describe, expect, it } from 'vitest'
import { isSamePolicy, type NetworkPolicySpec, policyNameOf, templateNameOf } from './network-policy.ts'

const peers = { from: [{ podSelector: {} }] }

describe('isSamePolicy', () => {
  it.each<[string, NetworkPolicySpec, NetworkPolicySpec, boolean]>([
    [
      'a protocol filled in',
      { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] },
      { podSelector: {}, ingress: [{ ports: [{ protocol: 'TCP', port: 80 }] }] },
      true,
    ],
    [
      'another protocol',
      { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] },
      { podSelector: {}, ingress: [{ ports: [{ protocol: 'UDP', port: 80 }] }] },
      false,
    ],
    ['an empty list and none', { podSelector: {}, egress: [] }, { podSelector: {} }, true],
    [
      'an empty list in a rule and none',
      { podSelector: {}, ingress: [{ from: [], ports: [] }] },
      { podSelector: {}, ingress: [{}] },
      true,
    ],
    ['no rule and one that lets all in', { podSelector: {} }, { podSelector: {}, ingress: [{}] }, false],
    [
      'an empty selector and none',
      { podSelector: {}, ingress: [peers] },
      { podSelector: {}, ingress: [{ from: [{}] }] },
      false,
    ],
    ['empty labels and none', { podSelector: { matchLabels: {} } }, { podSelector: {} }, true],
    [
      'another order of members',
      { policyTypes: ['Ingress'], podSelector: {} },
      { podSelector: {}, policyTypes: ['Ingress'] },
      true,
    ],
    [
      'another order of rules',
      { podSelector: {}, ingress: [{}, peers] },
      { podSelector: {}, ingress: [peers, {}] },
      false,
    ],
    [
      'a number and its text',
      { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] },
      { podSelector: {}, ingress: [{ ports: [{ port: '80' }] }] },
      false,
    ],
  ])('%s', (_, a, b, same) => {
    expect(isSamePolicy(a, b)).toBe(same)
    expect(isSamePolicy(b, a)).toBe(same)
  })
})

it('names policies, and knows them again', () => {
  expect(templateNameOf(policyNameOf('python'))).toBe('python')
  expect(templateNameOf('other')).toBeUndefined()
  expect(templateNameOf('-network-policy')).toBeUndefined()
})
