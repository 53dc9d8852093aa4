import { describe, expect, it } from 'vitest'
import { label } from '../api/index.ts'
import { canNameService, planService } from './plan-service.ts'
import { controllerRef, ofSandbox, storedSandbox, storedService } from './testing/stored-sandbox.ts'

const hash = { [label.sandboxNameHash]: '374de8f5' }
const own = storedService({ clusterIP: 'None', selector: hash }, { ...ofSandbox, labels: hash })
const adoptable = storedService({ clusterIP: 'None', selector: hash }, { labels: hash })
const withAddress = storedService({ clusterIP: '10.96.0.7', selector: hash }, { labels: hash })
const unowned = storedService({ clusterIP: 'None' }, {})
const foreign = storedService({}, { labels: hash, ownerReferences: [controllerRef('Deployment', 'd', 'u')] })
const anything = { kind: 'refuse', error: expect.any(String) }

describe('a Sandbox whose `service` is', () => {
  it.each([
    [true, 'nothing', undefined, { kind: 'create' }],
    [true, 'its own', own, { kind: 'use', drift: undefined }],
    [true, 'an adoptable one', adoptable, { kind: 'adopt', drift: undefined }],
    [
      true,
      'an adoptable one with an address',
      withAddress,
      { kind: 'refuse', error: 'cannot adopt unowned Service "my-sandbox": its clusterIP is 10.96.0.7' },
    ],
    [true, 'nobody’s', unowned, anything],
    [true, 'somebody’s', foreign, anything],
    [undefined, 'nothing', undefined, { kind: 'none' }],
    [undefined, 'its own', own, { kind: 'use', drift: undefined }],
    [undefined, 'an adoptable one', adoptable, { kind: 'none' }],
    [undefined, 'nobody’s', unowned, { kind: 'none' }],
    [undefined, 'somebody’s', foreign, anything],
    [false, 'nothing', undefined, { kind: 'none' }],
    [false, 'its own', own, { kind: 'delete' }],
    [false, 'an adoptable one', adoptable, { kind: 'none' }],
    [false, 'somebody’s', foreign, { kind: 'none' }],
  ])('%s finds %s', (service, _, live, expected) => {
    const sandbox = storedSandbox({ spec: service === undefined ? {} : { service } })
    expect(planService(sandbox, live, false)).toEqual(expected)
  })
})

it.each([
  ['a', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['a.b', false],
])('%s can name a Service: %s', (name, expected) => {
  expect(canNameService(name)).toBe(expected)
})
