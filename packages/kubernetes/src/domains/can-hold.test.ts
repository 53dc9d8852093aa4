import { describe, expect, it } from 'vitest'
import type { Node } from '../controller/index.ts'
import { canHold, type Demands, demandsOf } from './can-hold.ts'

const node = (spec: Node['spec'] = {}, labels: Record<string, string> = {}): Node => ({
  metadata: { name: 'n1', labels },
  spec,
})
const tainted = (key: string, effect = 'NoSchedule', value?: string) =>
  node({ taints: [{ key, effect, ...(value && { value }) }] })
const required = (...nodeSelectorTerms: object[]): Demands => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
})
const expression = (key: string, operator: string, ...values: string[]) => ({
  matchExpressions: [{ key, operator, values }],
})

describe('a node belongs to those that a Pod may run on', () => {
  it.each<[string, boolean, Node, Demands]>([
    ['when nothing is asked for', true, node(), {}],
    ['not when cordoned', false, node({ unschedulable: true }), {}],
    ['not without a label', false, node(), { nodeSelector: { gpu: 'yes' } }],
    ['with it', true, node({}, { gpu: 'yes' }), { nodeSelector: { gpu: 'yes' } }],
    ['not for a label by inheritance', false, node(), required(expression('constructor', 'Exists'))],
    ['not when tainted', false, tainted('a'), {}],
    ['when the taint is only a wish', true, tainted('a', 'PreferNoSchedule'), {}],
    ['also while it is down', true, tainted('node.kubernetes.io/unreachable', 'NoExecute'), {}],
    ['not once it has been given up', false, tainted('node.kubernetes.io/out-of-service', 'NoExecute', 'x'), {}],
    ['when any taint is tolerated', true, tainted('a', 'NoSchedule', 'x'), { tolerations: [{ operator: 'Exists' }] }],
    ['when this is', true, tainted('a', 'NoSchedule', 'x'), { tolerations: [{ key: 'a', value: 'x' }] }],
    ['not when another value is', false, tainted('a', 'NoSchedule', 'x'), { tolerations: [{ key: 'a', value: 'y' }] }],
    ['not for another effect', false, tainted('a'), { tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] }],
    [
      'by one of several terms',
      true,
      node({}, { a: '1' }),
      required(expression('b', 'Exists'), expression('a', 'In', '1', '2')),
    ],
    ['not by an empty term', false, node(), required({})],
    [
      'by its name',
      true,
      node(),
      required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }),
    ],
    [
      'not by another’s',
      false,
      node(),
      required({ matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['n1'] }] }),
    ],
    ['when it lacks a label that must not be', true, node(), required(expression('a', 'NotIn', '1'))],
    ['when it lacks one altogether', true, node(), required(expression('a', 'DoesNotExist'))],
    ['by size', true, node({}, { cpus: '16' }), required(expression('cpus', 'Gt', '9'))],
    ['not by what is no size', false, node({}, { cpus: 'many' }), required(expression('cpus', 'Gt', '9'))],
    ['not below', false, node({}, { cpus: '16' }), required(expression('cpus', 'Lt', '9'))],
    ['not by what nobody knows', false, node({}, { a: '1' }), required(expression('a', 'Like', '1'))],
  ])('%s', (_what, expected, candidate, demands) => {
    expect(canHold(candidate, demands)).toBe(expected)
  })

  it('by what its RuntimeClass asks for, too', () => {
    const runtimeClass = {
      handler: 'runsc',
      scheduling: { nodeSelector: { gvisor: 'yes' }, tolerations: [{ key: 'sandboxes', operator: 'Exists' }] },
    }
    const one = node({ taints: [{ key: 'sandboxes', effect: 'NoSchedule' }] }, { gvisor: 'yes' })
    expect(canHold(one, demandsOf({}, runtimeClass))).toBe(true)
    expect(canHold(one, demandsOf({}))).toBe(false)
    expect(canHold(node(), demandsOf({}, runtimeClass))).toBe(false)
  })
})
