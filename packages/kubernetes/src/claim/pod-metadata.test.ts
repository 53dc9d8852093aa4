import { describe, expect, it } from 'vitest'
import { annotation, type EmbeddedMetadata, label } from '../api/index.ts'
import { checkAdditionalPodMetadata, claimedPodMetadata } from './pod-metadata.ts'
import { aClaim } from './testing/objects.ts'

const domains = ['sandbox.users.io', 'example.com']

describe('what a claim may put on a Pod', () => {
  it.each<[string, EmbeddedMetadata]>([
    ['nothing', {}],
    ['a label of an allowed domain', { labels: { 'sandbox.users.io/team': 'a' } }],
    ['a label below an allowed domain', { labels: { 'a.b.example.com/team': '' } }],
    ['an annotation without a prefix', { annotations: { note: 'anything at all, 1/2' } }],
    ['an annotation of any other domain', { annotations: { 'notkubernetes.io/x': '', 'x-k8s.io/y': '' } }],
    ['the annotation for the autoscaler', { annotations: { [annotation.safeToEvict]: 'true' } }],
  ])('%s', (_, metadata) => {
    expect(() => checkAdditionalPodMetadata(metadata, domains)).not.toThrow()
  })

  it.each<[string, EmbeddedMetadata]>([
    ['the label that lets routers in', { labels: { app: 'sandbox-router' } }],
    ['a label without a prefix', { labels: { team: 'a' } }],
    ['a label of another domain', { labels: { 'users.io/team': 'a' } }],
    ['a domain that only ends alike', { labels: { 'badexample.com/team': 'a' } }],
    ['a label of the API', { labels: { [label.claimUid]: 'a' } }],
    ['a key with two prefixes', { labels: { 'example.com/a/b': 'c' } }],
    ['a key without a name', { labels: { 'example.com/': 'c' } }],
    ['an invalid label value', { labels: { 'example.com/team': 'a b' } }],
    ['a label value that is too long', { labels: { 'example.com/team': 'a'.repeat(64) } }],
    ['a label value that is no text', { labels: { 'example.com/team': 1 as unknown as string } }],
    ['an annotation of Kubernetes', { annotations: { 'kubernetes.io/x': '' } }],
    ['an annotation below Kubernetes', { annotations: { 'container.apparmor.security.beta.kubernetes.io/x': '' } }],
    ['an annotation of k8s.io', { annotations: { 'a.k8s.io/x': '' } }],
    ['an annotation of the API', { annotations: { [annotation.podName]: 'x' } }],
    ['an annotation of its extensions', { annotations: { 'extensions.agents.x-k8s.io/x': 'x' } }],
    ['a malformed annotation key', { annotations: { 'a b': 'x' } }],
  ])('not %s', (_, metadata) => {
    expect(() => checkAdditionalPodMetadata(metadata, domains)).toThrow(
      expect.objectContaining({ reason: 'InvalidMetadata', retry: 'onInput' })
    )
  })

  it('joins the template, the claim, and by whom it was claimed', () => {
    const claim = aClaim(
      { labels: { [label.createdBy]: 'go-client' } },
      { additionalPodMetadata: { labels: { 'example.com/a': 'b', team: 'a' }, annotations: { c: 'd' } } }
    )
    expect(claimedPodMetadata({ labels: { team: 'a' }, annotations: { note: 'b' } }, claim, 'hash')).toEqual({
      labels: {
        team: 'a',
        'example.com/a': 'b',
        [label.claimUid]: claim.metadata.uid,
        [label.sandboxTemplateRefHash]: 'hash',
        [label.createdBy]: 'go-client',
      },
      annotations: { note: 'b', c: 'd' },
    })
  })

  it.each<[string, EmbeddedMetadata]>([
    ['label', { labels: { team: 'other' } }],
    ['annotation', { annotations: { note: 'other' } }],
  ])('does not let the claim change a %s of the template, and does not try again', (what, additionalPodMetadata) => {
    const claim = aClaim({}, { additionalPodMetadata })
    const base = { labels: { team: 'a' }, annotations: { note: 'b' } }
    expect(() => claimedPodMetadata(base, claim, 'hash')).toThrow(
      expect.objectContaining({
        reason: 'ReconcilerError',
        retry: 'onInput',
        message: `Error seen: ${what} "${what === 'label' ? 'team' : 'note'}" has another value in the SandboxTemplate`,
      })
    )
  })
})
