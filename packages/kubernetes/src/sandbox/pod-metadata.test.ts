import { describe, expect, it } from 'vitest'
import { annotation, label } from '../api/index.ts'
import { podMetadata, podMetadataDrift } from './pod-metadata.ts'
import { controllerRef, extensionRef, ofSandbox, storedPod, storedSandbox } from './testing/stored-sandbox.ts'

const spec = { containers: [{ name: 'main' }] }
const own = { [label.sandboxNameHash]: '374de8f5', 'bulkhead.dev/sandbox-uid': 'sandbox-uid' }

describe('the metadata of a Pod', () => {
  it('is the podTemplate’s, but for keys of the API', () => {
    const metadata = {
      labels: {
        b: '2',
        a: '1',
        'agents.x-k8s.io/adoptable': 'true',
        'extensions.agents.x-k8s.io/x': 'y',
        'bulkhead.dev/sandbox-uid': 'of another',
      },
      annotations: { z: '1', 'agents.x-k8s.io/pod-name': 'p', [annotation.traceContext]: '{}' },
    }
    expect(podMetadata(storedSandbox({ spec: { podTemplate: { metadata, spec } } }))).toEqual({
      labels: { a: '1', b: '2', ...own },
      annotations: { z: '1', [annotation.propagatedLabels]: 'a,b', [annotation.propagatedAnnotations]: 'z' },
    })
  })

  it('has no lists where nothing is propagated', () => {
    expect(podMetadata(storedSandbox())).toEqual({ labels: own, annotations: {} })
  })

  const labels = {
    [label.createdBy]: 'somebody',
    [label.sandboxTemplateRefHash]: 't',
    [label.warmPoolSandbox]: 'p',
    [label.claimUid]: 'c',
    [label.launchType]: 'warm',
  }
  it.each([
    ['nobody', [], {}],
    ['somebody else', [controllerRef('Deployment', 'd', 'u')], {}],
    [
      'a pool',
      [extensionRef('SandboxWarmPool')],
      { [label.sandboxTemplateRefHash]: 't', [label.warmPoolSandbox]: 'p' },
    ],
    ['a claim', [extensionRef('SandboxClaim')], { [label.sandboxTemplateRefHash]: 't', [label.claimUid]: 'c' }],
  ])('has those labels of a Sandbox owned by %s that are its owner’s', (_, ownerReferences, expected) => {
    const sandbox = storedSandbox({ metadata: { labels, ownerReferences } })
    expect(podMetadata(sandbox).labels).toEqual({ ...own, [label.createdBy]: 'unknown', ...expected })
  })
})

describe('on a live Pod', () => {
  const podTemplate = { metadata: { labels: { team: 'x' }, annotations: { note: 'n' } }, spec }
  const sandbox = storedSandbox({ spec: { podTemplate } })
  const inLine = podMetadata(sandbox)

  it('nothing is written when all is in line, whatever others have added', () => {
    const metadata = {
      labels: { ...inLine.labels, theirs: '1', [label.adoptable]: 'true' },
      annotations: { ...inLine.annotations, theirs: '1' },
    }
    expect(podMetadataDrift(storedPod({}, metadata), sandbox)).toBeUndefined()
  })

  it('what is missing or changed is set', () => {
    const metadata = { labels: { ...inLine.labels, team: 'y' }, annotations: inLine.annotations }
    expect(podMetadataDrift(storedPod({}, metadata), sandbox)).toEqual({ labels: { team: 'x' } })
    expect(podMetadataDrift(storedPod({}, {}), sandbox)).toEqual(inLine)
  })

  it('what the template had before, and what the pool had given, is removed', () => {
    const metadata = {
      labels: { ...inLine.labels, old: '1', theirs: '1', [label.warmPoolSandbox]: 'p' },
      annotations: {
        ...inLine.annotations,
        gone: '1',
        [annotation.propagatedLabels]: 'old,team',
        [annotation.propagatedAnnotations]: 'gone,note',
      },
    }
    expect(podMetadataDrift(storedPod({}, metadata), sandbox)).toEqual({
      labels: { old: null, [label.warmPoolSandbox]: null },
      annotations: { gone: null, [annotation.propagatedLabels]: 'team', [annotation.propagatedAnnotations]: 'note' },
    })
  })

  it('the lists go with the last key', () => {
    const metadata = { labels: { ...own, old: '1' }, annotations: { [annotation.propagatedLabels]: 'old' } }
    expect(podMetadataDrift(storedPod({}, metadata), storedSandbox())).toEqual({
      labels: { old: null },
      annotations: { [annotation.propagatedLabels]: null },
    })
  })

  it('has labels of whatever name, also of those that every object of this language has', () => {
    const made = (labels: Record<string, string>) =>
      storedSandbox({ spec: { podTemplate: { metadata: { labels }, spec: { containers: [] } } } })
    const wanted = podMetadata(made({ constructor: 'me', toString: 'it' }))
    expect(wanted.labels).toMatchObject({ constructor: 'me', toString: 'it' })
    const { labels, annotations } = wanted
    const drift = podMetadataDrift(storedPod({}, { ...ofSandbox, labels, annotations }), made({ toString: 'it' }))
    expect(drift?.labels).toEqual({ constructor: null })
  })
})
