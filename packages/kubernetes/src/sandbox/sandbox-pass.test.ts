import { expect, it } from 'vitest'
import { Store } from '../controller/cache/store.ts'
import { byOwnerUid } from '../controller/index.ts'
import type { CachedPod } from '../operator/cached-pod.ts'
import { ownedPods, type SandboxPass } from './sandbox-pass.ts'
import { ofSandbox, storedPod, storedSandbox } from './testing/stored-sandbox.ts'

it('a Sandbox owns no Pod of another namespace, whatever that says of its owner', () => {
  const store = new Store<CachedPod, 'controller'>({ indexes: { controller: byOwnerUid } })
  const own = storedPod()
  store.observe(own)
  store.observe(storedPod({ podIP: '10.9.9.9' }, { ...ofSandbox, namespace: 'theirs' }))
  const pass = { context: { caches: { pods: { store } } }, sandbox: storedSandbox() } as unknown as SandboxPass
  expect(ownedPods(pass)).toEqual([own])
})
