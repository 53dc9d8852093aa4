import { readFile } from 'node:fs/promises'
import type { RunningKernel } from '@bulkhead/kernel'
import { witnessProcess } from '@bulkhead/witness'
import { expect, it } from 'vitest'
import { Witnesses, type WitnessesOptions } from './evidence.ts'

const never = new AbortController().signal

/** Kernels by id, each a count of how often its inside was asked. `hangs`: never answers. */
async function machine(kernels: Record<string, 'answers' | 'hangs'>) {
  const asked: Record<string, number> = {}
  const stat = await readFile('/proc/self/stat', 'latin1')
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  const kernel = (id: string) =>
    ({
      handle: { spec: { uid: 100_000 } },
      witness: () =>
        witnessProcess({ id, pid: process.pid, startTime, runtime: 'gvisor', isolation: 'userspace', missing: [] }),
      inside: (nonce: string, signal: AbortSignal) => {
        asked[id] = (asked[id] ?? 0) + 1
        if (kernels[id] === 'answers') return Promise.resolve({ nonce, bootId: `boot of ${id}` })
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    }) as unknown as RunningKernel
  const running = Object.fromEntries(Object.keys(kernels).map((id) => [id, kernel(id)]))
  const rows = Object.keys(kernels).map((id) => ({ id, role: 'sandbox', state: 'running', runtime: 'gvisor' }))
  const options = {
    ledger: { sandboxes: { get: (id: string) => rows.find((row) => row.id === id), living: () => rows } },
    lifecycle: { kernel: (id: string) => running[id], stateFolder: (id: string) => `/state/${id}` },
    runRoot: '/run/x',
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    insideTimeoutMs: 300,
  } as unknown as WitnessesOptions
  return { witnesses: new Witnesses(options), asked }
}

it('waits for a guest that hangs once, not each time another’s evidence is taken', async () => {
  const { witnesses, asked } = await machine({ a: 'answers', b: 'answers', hostile: 'hangs' })
  await Promise.all([witnesses.take('a', never), witnesses.take('b', never)])
  await witnesses.take('a', never)
  expect(asked.hostile).toBe(1)
})
