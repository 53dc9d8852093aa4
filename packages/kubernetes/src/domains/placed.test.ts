import { expect, it } from 'vitest'
import { nodesOfPod, placed } from './placed.ts'

const containers = [{ name: 'main', image: 'i' }]
const named = (node: string) => ({ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] })
const ofSandboxes = { matchExpressions: [{ key: 'agents.x-k8s.io/sandbox-name-hash', operator: 'Exists' }] }
const wish = (topologyKey: string) => ({
  maxSkew: 1,
  topologyKey,
  whenUnsatisfiable: 'ScheduleAnyway',
  labelSelector: ofSandboxes,
})

it('binds a Pod to nodes by name, spread over them and their zones', () => {
  const spec = placed({ containers }, { nodes: ['n2', 'n1'], spread: ['zone'] })
  expect(spec).toEqual({
    containers,
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [named('n1'), named('n2')] },
      },
    },
    topologySpreadConstraints: [wish('zone'), wish('kubernetes.io/hostname')],
  })
  expect(nodesOfPod(spec)).toEqual(['n1', 'n2'])
  expect(nodesOfPod({ ...spec, nodeName: 'n1' })).toEqual(['n1'])
  expect(nodesOfPod({})).toEqual([])
})

it('leaves what a Pod says about other Pods, about what it prefers, and about a topology', () => {
  const own = { ...wish('zone'), maxSkew: 5, whenUnsatisfiable: 'DoNotSchedule' }
  const preferred = [{ weight: 1, preference: { matchExpressions: [{ key: 'fast', operator: 'Exists' }] } }]
  const spec = placed(
    {
      containers,
      affinity: { podAntiAffinity: {}, nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } },
      topologySpreadConstraints: [own],
    },
    { nodes: ['n1'], spread: ['zone'] }
  )
  expect(spec.affinity?.podAntiAffinity).toEqual({})
  expect(spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution).toEqual(preferred)
  expect(spec.topologySpreadConstraints).toEqual([own, wish('kubernetes.io/hostname')])
})
