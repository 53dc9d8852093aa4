import { expect, it } from 'vitest'
import { nameHash, type Sandbox, type SandboxWarmPool } from '../api/index.ts'
import { type Change, Store, type Stored } from '../controller/index.ts'
import { memberOf, poolOf, templateOf } from './testing/warm-pool-objects.ts'
import { toPoolsOfSandbox, toPoolsOfTemplate } from './wake-pools.ts'

const pools = new Store<SandboxWarmPool, 'hash' | 'template'>({
  indexes: {
    hash: ({ metadata }) => [`${metadata.namespace}/${nameHash(metadata.name)}`],
    template: ({ metadata, spec }) => [`${metadata.namespace}/${spec.sandboxTemplateRef.name}`],
  },
})
for (const pool of [poolOf(), poolOf({ sandboxTemplateRef: { name: 'large' } }, 'other')]) pools.observe(pool)

const member = memberOf('a')
const withMeta = (metadata: object): Stored<Sandbox> => ({ ...member, metadata: { ...member.metadata, ...metadata } })
const claimed = withMeta({
  labels: {},
  ownerReferences: [
    { apiVersion: 'extensions.agents.x-k8s.io/v1beta1', kind: 'SandboxClaim', name: 'c', uid: 'c', controller: true },
  ],
})
const ownerless = withMeta({ ownerReferences: [] })

it.each<[string, Change<Sandbox>, string[]]>([
  ['a member', { type: 'added', object: member }, ['default/pool']],
  ['a member that a claim has taken', { type: 'updated', object: claimed, old: member }, ['default/pool']],
  ['a claim’s Sandbox', { type: 'updated', object: claimed, old: claimed }, []],
  ['one with the label and no owner', { type: 'added', object: ownerless }, ['default/pool']],
  [
    'one that has lost its owner and label',
    { type: 'updated', object: withMeta({ labels: {}, ownerReferences: [] }), old: member },
    ['default/pool'],
  ],
  ['a member that is gone', { type: 'deleted', object: member, unseen: false }, ['default/pool']],
])('%s wakes its pool, behind the claims', (_, change, keys) => {
  expect([...toPoolsOfSandbox(pools)(change)]).toEqual(keys.map((key) => ({ key, lane: 'background' })))
})

it('a template wakes the pools that refer to it', () => {
  expect([...toPoolsOfTemplate(pools)({ type: 'added', object: templateOf({}, 'large') })]).toEqual(['default/other'])
})
