import { expect, it } from 'vitest'
import { label } from '../api/index.ts'
import { decideOwnership } from './ownership.ts'
import { controllerRef, ofSandbox, storedPod, storedSandbox } from './testing/stored-sandbox.ts'

const unowned = 'cannot adopt unowned Pod "my-sandbox": it has neither the label agents.x-k8s.io/adoptable=true nor '

it.each([
  ['is the Sandbox’s own by uid', ofSandbox, { kind: 'own' }],
  [
    'belonged to an earlier Sandbox of the same name',
    { ownerReferences: [controllerRef('Sandbox', 'my-sandbox', 'earlier')], labels: { [label.adoptable]: 'true' } },
    {
      kind: 'refuse',
      error: 'Pod "my-sandbox" is owned by Sandbox/my-sandbox (UID: earlier), not by sandbox "my-sandbox"',
    },
  ],
  [
    'is somebody else’s',
    { ownerReferences: [controllerRef('Deployment', 'web', 'u')] },
    { kind: 'refuse', error: 'Pod "my-sandbox" is owned by Deployment/web (UID: u), not by sandbox "my-sandbox"' },
  ],
  [
    'has an owner that does not manage it, and permits',
    {
      ownerReferences: [{ ...controllerRef('Deployment', 'web', 'u'), controller: false }],
      labels: { [label.adoptable]: 'true' },
    },
    { kind: 'adopt' },
  ],
  ['is nobody’s, with the hash', { labels: { [label.sandboxNameHash]: '374de8f5' } }, { kind: 'adopt' }],
  [
    'is nobody’s, with another hash',
    { labels: { [label.sandboxNameHash]: 'e40c292c', [label.adoptable]: 'false' } },
    { kind: 'refuse', error: `${unowned}agents.x-k8s.io/sandbox-name-hash=374de8f5` },
  ],
  ['is nobody’s', {}, { kind: 'refuse', error: `${unowned}agents.x-k8s.io/sandbox-name-hash=374de8f5` }],
])('an object in the way %s', (_, metadata, expected) => {
  expect(decideOwnership(storedPod({}, metadata), storedSandbox())).toEqual(expected)
})
