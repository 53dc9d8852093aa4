import { describe, expect, it } from 'vitest'
import { type Binding, type PolicyRule, type Power, RbacReach } from './rbac-reach.ts'

const account = { kind: 'ServiceAccount', namespace: 'a', name: 'sa' }
const everybody = { kind: 'Group', name: 'system:authenticated' }
const bind = (...subjects: Binding['subjects']): Binding => ({ role: { kind: 'ClusterRole', name: 'r' }, subjects })
const reach = (rules: readonly PolicyRule[], binding = bind(account)) =>
  new RbacReach(new Map([['ClusterRole/r', rules]]), [binding]).of('a', 'sa')
const core = (resource: string, verb: string, more: Partial<PolicyRule> = {}): PolicyRule => ({
  apiGroups: [''],
  resources: [resource],
  verbs: [verb],
  ...more,
})

describe('what a role opens', () => {
  it.each<[string, PolicyRule, Power[]]>([
    ['reading pods', core('pods', 'list'), []],
    ['reading secrets', core('secrets', 'watch'), ['read secrets']],
    ['reading one secret', core('secrets', 'get', { resourceNames: ['s'] }), []],
    ['secrets of another group', core('secrets', 'get', { apiGroups: ['x.test'] }), []],
    ['exec', core('pods/exec', 'create'), ['run in pods', 'change objects']],
    ['exec by WebSocket', core('pods/exec', 'get'), ['run in pods']],
    ['exec of whatever has one', core('*/exec', 'get'), ['run in pods']],
    ['a wildcard that RBAC does not know', core('pods/*', 'get'), []],
    ['the kubelets', core('nodes/proxy', 'get'), ['run in pods']],
    ['becoming any user', core('users', 'impersonate'), ['become others']],
    ['becoming one user', core('users', 'impersonate', { resourceNames: ['admin'] }), ['become others']],
    ['tokens', core('serviceaccounts/token', 'create'), ['become others', 'change objects']],
    [
      'granting one role',
      {
        apiGroups: ['rbac.authorization.k8s.io'],
        resources: ['clusterroles'],
        verbs: ['bind'],
        resourceNames: ['cluster-admin'],
      },
      ['become others'],
    ],
    [
      'Deployments',
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'] },
      ['create pods', 'change objects'],
    ],
    [
      'questions',
      { apiGroups: ['authorization.k8s.io'], resources: ['selfsubjectaccessreviews'], verbs: ['create'] },
      [],
    ],
    ['events', core('events', 'create'), []],
    ['addresses that are no objects', { verbs: ['get'] }, []],
  ])('%s', (_what, rule, expected) => expect(reach([rule]).cluster).toEqual(expected))

  it('is everything with wildcards', () => {
    const [worst] = reach([{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]).cluster
    expect(worst).toBe('cluster-admin')
  })
})

describe('whom a binding reaches', () => {
  const rules = [core('secrets', 'get')]
  it.each([
    ['the account', account],
    ['its user', { kind: 'User', name: 'system:serviceaccount:a:sa' }],
    ['all accounts', { kind: 'Group', name: 'system:serviceaccounts' }],
    ['those of its namespace', { kind: 'Group', name: 'system:serviceaccounts:a' }],
    ['everybody', everybody],
  ])('%s', (_what, subject) => expect(reach(rules, bind(subject)).cluster).toEqual(['read secrets']))

  it('nobody else', () => {
    const others = [
      { ...account, namespace: 'b' },
      { ...account, name: 'other' },
      { kind: 'User', name: 'sa' },
    ]
    expect(reach(rules, bind(...others))).toEqual({ cluster: [], namespaces: new Map() })
  })

  it('in its own namespace, when it has one', () => {
    expect(reach(rules, { ...bind(account), namespace: 'c' })).toEqual({
      cluster: [],
      namespaces: new Map([['c', ['read secrets']]]),
    })
  })

  it('as one object for all accounts that have no more than their groups: there are thousands', () => {
    const rbac = new RbacReach(new Map([['ClusterRole/r', rules]]), [{ ...bind(everybody), namespace: 'c' }])
    expect(rbac.of('a', 'x')).toBe(rbac.of('b', 'y'))
  })
})
