import { expect, it } from 'vitest'
import { annotation, label, nameHash } from '../api/index.ts'
import { coldSandbox } from './cold-sandbox.ts'
import { aClaim, aTemplate } from './testing/objects.ts'

it('makes a Sandbox for a claim alone', () => {
  const claim = aClaim(
    {
      name: 'mine',
      namespace: 'ns',
      labels: { [label.createdBy]: 'someone' },
      annotations: { [annotation.traceContext]: '{}', other: 'not copied' },
    },
    {
      lifecycle: { shutdownTime: '2026-01-01T00:00:00Z', shutdownPolicy: 'Delete' },
      env: [{ name: 'A', value: '1' }],
      volumeClaimTemplates: [{ metadata: { name: 'v' }, spec: {} }],
    }
  )
  const template = aTemplate('t', {
    envVarsInjectionPolicy: 'Allowed',
    volumeClaimTemplatesPolicy: 'Allowed',
    service: true,
  })
  expect(coldSandbox(claim, template)).toEqual({
    metadata: {
      namespace: 'ns',
      name: 'mine',
      labels: {
        [label.launchType]: 'cold',
        [label.claimUid]: claim.metadata.uid,
        [label.sandboxTemplateRefHash]: nameHash('t'),
        [label.createdBy]: 'someone',
      },
      annotations: { [annotation.sandboxTemplateRef]: 't', [annotation.traceContext]: '{}' },
      ownerReferences: [
        {
          apiVersion: 'extensions.agents.x-k8s.io/v1beta1',
          kind: 'SandboxClaim',
          name: 'mine',
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
            team: 'a',
            [label.claimUid]: claim.metadata.uid,
            [label.sandboxTemplateRefHash]: nameHash('t'),
            [label.createdBy]: 'someone',
          },
          annotations: { note: 'b' },
        },
        spec: {
          automountServiceAccountToken: false,
          dnsPolicy: 'None',
          dnsConfig: { nameservers: ['8.8.8.8', '1.1.1.1'] },
          containers: [{ name: 'main', image: 'main:1', env: [{ name: 'A', value: '1' }] }],
        },
      },
      volumeClaimTemplates: [{ metadata: { name: 'v' }, spec: {} }],
      service: true,
    },
  })
})
