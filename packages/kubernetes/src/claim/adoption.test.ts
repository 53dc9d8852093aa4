import { describe, expect, it } from 'vitest'
import { annotation, label, nameHash } from '../api/index.ts'
import { adoptionPatch, inStepPatch, podMetadataFor } from './adoption.ts'
import { aClaim, aMember, aTemplate, ownSandbox } from './testing/objects.ts'

const refHash = nameHash('template')

describe('adoption', () => {
  it('turns a pool’s Sandbox into the claim’s, and only as it was seen', () => {
    const claim = aClaim(
      { labels: { [label.createdBy]: 'go-client' }, annotations: { [annotation.traceContext]: '{}' } },
      { additionalPodMetadata: { labels: { 'sandbox.users.io/a': 'b' } } }
    )
    const member = aMember('m', { resourceVersion: '42' })
    expect(adoptionPatch(member, claim, podMetadataFor(member, claim, aTemplate()))).toEqual({
      metadata: {
        uid: member.metadata.uid,
        resourceVersion: '42',
        labels: {
          [label.warmPoolSandbox]: null,
          [label.sandboxTemplateHash]: null,
          [label.sandboxPodTemplateHash]: null,
          [label.launchType]: 'warm',
          [label.claimUid]: claim.metadata.uid,
          [label.createdBy]: 'go-client',
        },
        annotations: { [annotation.podName]: 'm', [annotation.traceContext]: '{}' },
        ownerReferences: [
          {
            apiVersion: 'extensions.agents.x-k8s.io/v1beta1',
            kind: 'SandboxClaim',
            name: 'claim',
            uid: claim.metadata.uid,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: {
        podTemplate: {
          metadata: {
            labels: {
              [label.claimUid]: claim.metadata.uid,
              [label.sandboxTemplateRefHash]: refHash,
              [label.createdBy]: 'go-client',
              'sandbox.users.io/a': 'b',
            },
            annotations: { [annotation.safeToEvict]: null },
          },
        },
      },
    })
  })

  it('removes the pool as creator, and keeps the name of a Pod that has another', () => {
    const member = aMember('m', { annotations: { [annotation.podName]: 'p' } })
    expect(adoptionPatch(member, aClaim(), podMetadataFor(member, aClaim(), undefined))).toMatchObject({
      metadata: { labels: { [label.createdBy]: null }, annotations: { [annotation.podName]: 'p' } },
    })
  })

  it('takes the Sandbox’s own word for the metadata when its template is gone', () => {
    const member = aMember('m')
    expect(podMetadataFor(member, aClaim(), undefined)).toEqual({
      labels: { team: 'a', [label.claimUid]: aClaim().metadata.uid, [label.sandboxTemplateRefHash]: refHash },
      annotations: { note: 'b' },
    })
  })
})

describe('keeping in step', () => {
  const claim = aClaim()
  const sandbox = {
    ...ownSandbox(claim, 's', 'warm'),
    spec: { podTemplate: { metadata: podMetadataFor(aMember('s'), claim, aTemplate()), spec: { containers: [] } } },
  }

  it('has nothing to do after an adoption', () => {
    expect(inStepPatch(sandbox, claim, podMetadataFor(sandbox, claim, aTemplate()))).toBeUndefined()
  })

  it('follows the labels of the template and the claim, and stays of the template it was made from', () => {
    const template = aTemplate('template', {
      podTemplate: { metadata: { labels: { team: 'new' } }, spec: { containers: [] } },
    })
    const changed = aClaim({ labels: { [label.createdBy]: 'go-client' } })
    expect(inStepPatch(sandbox, changed, podMetadataFor(sandbox, changed, template))).toEqual({
      metadata: { uid: sandbox.metadata.uid, resourceVersion: '1', labels: { [label.createdBy]: 'go-client' } },
      spec: {
        podTemplate: {
          metadata: { labels: { team: 'new', [label.createdBy]: 'go-client' }, annotations: { note: null } },
        },
      },
    })
  })
})
