import { describe, expect, it } from 'vitest'
import type { Stored } from '../client/kubernetes-object.ts'
import { resourceType } from '../client/resource-type.ts'
import { controllerOf, controllerReference, isControlledBy, refersTo } from './owner-reference.ts'

describe('owners', () => {
  const claims = resourceType({ group: 'x.dev', version: 'v1', plural: 'claims', kind: 'Claim', namespaced: true })
  const stored = (name: string, uid: string, namespace?: string): Stored => ({
    apiVersion: 'x.dev/v1',
    kind: 'Claim',
    metadata: { name, uid, resourceVersion: '1', creationTimestamp: '', ...(namespace && { namespace }) },
  })
  const owner = stored('o', 'u1')
  const reference = controllerReference(claims, owner)

  it('are told by uid', () => {
    expect(reference).toEqual({
      apiVersion: 'x.dev/v1',
      kind: 'Claim',
      name: 'o',
      uid: 'u1',
      controller: true,
      blockOwnerDeletion: true,
    })
    const child = {
      metadata: { name: 'c', ownerReferences: [{ ...reference, uid: 'u0', controller: false }, reference] },
    }
    expect(controllerOf(child)).toBe(reference)
    expect(isControlledBy(child, owner)).toBe(true)
    expect(isControlledBy(child, stored('o', 'u2'))).toBe(false)
    expect(controllerOf({})).toBeUndefined()
  })

  it('manage nothing in another namespace, whoever says so', () => {
    const child = { metadata: { name: 'c', namespace: 'theirs', ownerReferences: [reference] } }
    expect(isControlledBy(child, stored('o', 'u1', 'theirs'))).toBe(true)
    expect(isControlledBy(child, stored('o', 'u1', 'ours'))).toBe(false)
    expect(isControlledBy(child, stored('o', 'u1'))).toBe(true)
  })

  it('are of a type by group and kind, whatever the version', () => {
    expect(refersTo({ ...reference, apiVersion: 'x.dev/v1alpha1' }, claims)).toBe(true)
    expect(refersTo({ ...reference, apiVersion: 'y.dev/v1' }, claims)).toBe(false)
    expect(refersTo({ ...reference, apiVersion: 'v1' }, claims)).toBe(false)
    expect(refersTo({ ...reference, kind: 'Other' }, claims)).toBe(false)
  })
})
