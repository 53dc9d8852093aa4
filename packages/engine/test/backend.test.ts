import { type BackendSubject, describeBackend } from '@bulkhead/sandbox/contract'
import type { RuntimeName } from '@bulkhead/wire'
import { openEngine } from '../src/index.ts'
import { engineConfig, leftovers, makePlaces, removePlaces, requests } from './test-machine.ts'

const never = new AbortController().signal

async function makeSubject(runtime: RuntimeName): Promise<BackendSubject> {
  const places = makePlaces()
  const backend = await openEngine(engineConfig(places), never)
  return {
    backend,
    request: requests[runtime],
    unavailableIsolation: 'hardware',
    kill: async (id) => {
      const { host } = await backend.evidence(id, never)
      if (!host) throw new Error(`nobody sees the kernel of ${id}`)
      process.kill(host.pid, 'SIGKILL')
    },
    leftovers: () => leftovers(places),
    [Symbol.asyncDispose]: async () => {
      await backend.stop()
      await removePlaces(places)
    },
  }
}

describeBackend('engine with gvisor', () => makeSubject('gvisor'))
describeBackend('engine with qemu, emulated', () => makeSubject('qemu'))
