import { expect, it } from 'vitest'
import { defaultSettings } from '../../test/support/default-settings.ts'
import { nodesOfPod, type Planned } from '../domains/index.ts'
import { buildPod } from './build-pod.ts'
import { NoPlaceError } from './pass-errors.ts'
import { placePod } from './place-pod.ts'
import { storedSandbox } from './testing/stored-sandbox.ts'

const sandbox = storedSandbox()
const settings = defaultSettings
const place = (planned: Planned) => placePod(sandbox, { settings, planPlacement: () => planned })

it('leaves a Pod as it is where nothing is said about its place', () => {
  expect(placePod(sandbox, { settings })).toEqual(buildPod(sandbox, settings))
  expect(place({ kind: 'anywhere' })).toEqual(buildPod(sandbox, settings))
})

it('binds it to its place', () => {
  const pod = place({ kind: 'placed', placement: { nodes: ['n1', 'n2'], spread: [] } })
  expect(nodesOfPod(pod.spec ?? {})).toEqual(['n1', 'n2'])
})

it('makes none that has no place', () => {
  expect(() => place({ kind: 'nowhere', why: 'full' })).toThrow(NoPlaceError)
})

it('is asked about the Pod as it will be, its RuntimeClass included', () => {
  const asked: unknown[] = []
  placePod(sandbox, {
    settings: { ...settings, defaultRuntimeClass: 'gvisor' },
    planPlacement: (placing) => {
      asked.push(placing)
      return { kind: 'anywhere' }
    },
  })
  expect(asked).toMatchObject([{ namespace: 'ns', spec: { runtimeClassName: 'gvisor' } }])
})
