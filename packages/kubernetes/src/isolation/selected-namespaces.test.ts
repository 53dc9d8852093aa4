import { expect, it } from 'vitest'
import type { LabelSelector } from '../api/index.ts'
import { selectsLabels } from './label-selector.ts'
import { namespaceNameLabel, selectedNamespaces } from './selected-namespaces.ts'

const byName = (operator: string, ...values: string[]): LabelSelector => ({
  matchExpressions: [{ key: namespaceNameLabel, operator, values }],
})
const probed = ['tenant', 'kube-system', 'operator']

it.each<[what: string, selector: LabelSelector, selected: readonly string[]]>([
  ['all', {}, ['tenant']],
  ['by another label', { matchLabels: { a: 'b' } }, ['tenant']],
  ['kube-system by its name', { matchLabels: { [namespaceNameLabel]: 'kube-system' } }, ['kube-system']],
  ['some by their names', byName('In', 'tenant', 'operator'), ['tenant', 'operator']],
  // Says nothing of the other two.
  ['all but one', byName('NotIn', 'tenant'), []],
  ['all with a name', { matchExpressions: [{ key: namespaceNameLabel, operator: 'Exists' }] }, ['tenant']],
])('a policy for %s', (_, selector, selected) => {
  const real = selectedNamespaces(selector, 'operator')
  const isSelected = (name: string) => selectsLabels(real, { a: 'b', [namespaceNameLabel]: name })
  expect(probed.filter(isSelected)).toEqual(selected)
})
