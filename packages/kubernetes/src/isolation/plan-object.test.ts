import { describe, expect, it } from 'vitest'
import { isolationPolicies } from '../api/index.ts'
import { controllerReference, type Stored } from '../controller/index.ts'
import type { AdmissionObject } from './admission-resources.ts'
import { compiledLabels, type ObjectState, planObject } from './plan-object.ts'
import { storedPolicy } from './testing/stored-policy.ts'

const owner = controllerReference(isolationPolicies, storedPolicy())
const wanted = { failurePolicy: 'Fail' }
/** With what an API server fills in. */
const accepted = { ...wanted, matchPolicy: 'Equivalent' }
const current = (
  some: Partial<Stored<AdmissionObject>['metadata']> = {},
  spec: object = accepted
): Stored<AdmissionObject> => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: {
    name: 'object',
    uid: 'u2',
    resourceVersion: '7',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { ...compiledLabels('agents'), foreign: 'label' },
    ownerReferences: [owner],
    ...some,
  },
  spec,
})
const plan = (some: Partial<ObjectState>) =>
  planObject({ name: 'object', policy: 'agents', owner, wanted, current: current(), accepted, ...some })

describe('an object that enforces a policy', () => {
  it('is left alone when it is as it was accepted', () => {
    expect(plan({})).toEqual({ kind: 'nothing' })
  })

  it('is made when it is not there', () => {
    expect(plan({ current: undefined })).toEqual({
      kind: 'create',
      object: {
        metadata: { name: 'object', labels: compiledLabels('agents'), ownerReferences: [owner] },
        spec: wanted,
      },
    })
  })

  it.each<[what: string, state: Partial<ObjectState>]>([
    ['has a spec that was changed', { current: current({}, { ...accepted, failurePolicy: 'Ignore' }) }],
    ['has more in its spec', { current: current({}, { ...accepted, matchConditions: [] }) }],
    ['has lost its owner', { current: current({ ownerReferences: [] }) }],
    ['has another owner beside', { current: current({ ownerReferences: [owner, { ...owner, uid: 'u3' }] }) }],
    ['has lost its labels', { current: current({ labels: { foreign: 'label' } }) }],
    ['was not written by this process yet', { accepted: undefined }],
    ['is on its way out, and weaker', { current: current({ deletionTimestamp: '2026-01-01T00:00:00Z' }, {}) }],
  ])('is written when it %s', (_, state) => {
    expect(plan(state)).toMatchObject({
      kind: 'replace',
      object: {
        // Of the very object that was seen.
        metadata: {
          uid: 'u2',
          resourceVersion: '7',
          labels: { ...compiledLabels('agents'), foreign: 'label' },
          ownerReferences: [owner],
        },
        spec: wanted,
      },
    })
  })
})
