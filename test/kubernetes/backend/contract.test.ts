import { type BackendSubject, describeBackend } from '@bulkhead/sandbox/contract'
import { describe } from 'vitest'
import { busyboxImage, whyNotHere } from '../../../tools/cluster/test-cluster.ts'
import { BackendGround } from './test-backend.ts'

const reason = await whyNotHere(AbortSignal.timeout(60_000))
if (reason) process.stderr.write(`test/kubernetes/backend is skipped, because ${reason}\n`)

async function makeSubject(): Promise<BackendSubject> {
  await using undo = new AsyncDisposableStack()
  const ground = undo.use(await BackendGround.open())
  const backend = undo.use(await ground.server())
  const parts = undo.move()
  return {
    backend,
    request: { image: busyboxImage, runtime: 'gvisor', memoryBytes: 128 * 1024 * 1024 },
    unavailableIsolation: 'hardware',
    lacks: { hostWitness: 'nobody on the node looks at the process of the kernel' },
    kill: (id) => ground.killKernel(id),
    leftovers: () => ground.leftovers(),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

describe.skipIf(reason !== undefined)('on a cluster', () => {
  describeBackend('kubernetes with gvisor', makeSubject)
})
