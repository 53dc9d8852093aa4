import type { KernelRuntime } from '@bulkhead/kernel'
import type { IsolationClass, RuntimeName, RuntimeReport } from '@bulkhead/wire'
import { describe, expect, it } from 'vitest'
import { Runtimes } from './runtimes.ts'

const signal = new AbortController().signal

/** A machine by what its probes say: a class, or why not usable. Counts what was loaded. */
function machine(found: Partial<Record<RuntimeName, IsolationClass | { reason: string }>>) {
  const loaded: RuntimeName[] = []
  const sources = Object.entries(found).map(([key, outcome]) => {
    const name = key as RuntimeName
    const probe: KernelRuntime['probe'] = async () => ({
      runtime: name,
      usable: typeof outcome === 'string',
      ...(typeof outcome === 'string' ? { isolation: outcome } : outcome),
      attempts: [],
      missing: [],
      checkedAt: new Date(0).toISOString(),
    })
    const load = async () => {
      loaded.push(name)
      return { name, probe } as unknown as KernelRuntime
    }
    return { name, load }
  })
  return { runtimes: new Runtimes(sources), loaded }
}

type Wanted = { runtime?: RuntimeName; isolation: IsolationClass }
const everyday = { gvisor: 'userspace', qemu: 'emulated' } as const
const strong = { gvisor: 'userspace', qemu: 'hardware' } as const
const bare = { gvisor: { reason: 'no runsc' }, qemu: 'emulated' } as const

describe('the choice of a runtime (P2)', () => {
  it.each<[string, Parameters<typeof machine>[0], Wanted, unknown]>([
    [
      'takes the first that suffices',
      everyday,
      { isolation: 'userspace' },
      { runtime: 'gvisor', isolation: 'userspace' },
    ],
    [
      'does not trade order for strength',
      strong,
      { isolation: 'userspace' },
      { runtime: 'gvisor', isolation: 'userspace' },
    ],
    ['passes over what is too weak', strong, { isolation: 'hardware' }, { runtime: 'qemu', isolation: 'hardware' }],
    [
      'gives more than asked for',
      strong,
      { runtime: 'qemu', isolation: 'emulated' },
      { runtime: 'qemu', isolation: 'hardware' },
    ],
    [
      'emulates when asked by name',
      everyday,
      { runtime: 'qemu', isolation: 'emulated' },
      { runtime: 'qemu', isolation: 'emulated' },
    ],
    [
      'emulates when nothing else works, if asked by name',
      bare,
      { isolation: 'emulated' },
      { runtime: 'qemu', isolation: 'emulated' },
    ],
  ])('%s', async (_, found, wanted, placement) => {
    await expect(machine(found).runtimes.place(wanted, signal)).resolves.toEqual(placement)
  })

  it.each<[string, Parameters<typeof machine>[0], Wanted, object]>([
    [
      'never emulates for the default',
      everyday,
      { runtime: 'qemu', isolation: 'userspace' },
      { code: 'isolation_unavailable' },
    ],
    ['never emulates when the other is broken', bare, { isolation: 'userspace' }, { code: 'isolation_unavailable' }],
    [
      'says what it has instead of hardware',
      everyday,
      { isolation: 'hardware' },
      {
        code: 'isolation_unavailable',
        facts: { wanted: 'hardware', offered: 'gvisor: userspace, qemu: emulated' },
      },
    ],
    [
      'says why the named one does not work',
      bare,
      { runtime: 'gvisor', isolation: 'emulated' },
      {
        code: 'runtime_unavailable',
        facts: { runtime: 'gvisor', reason: 'no runsc' },
      },
    ],
    [
      'refuses a runtime it does not know',
      { gvisor: 'userspace' },
      { runtime: 'qemu', isolation: 'emulated' },
      { code: 'runtime_unavailable' },
    ],
  ])('%s', async (_, found, wanted, error) => {
    await expect(machine(found).runtimes.place(wanted, signal)).rejects.toMatchObject(error)
  })

  it('passes over a runtime that cannot even be loaded', async () => {
    const { runtimes: working } = machine({ qemu: 'hardware' })
    const runtimes = new Runtimes([
      { name: 'gvisor', load: async () => Promise.reject(new Error('no such file')) },
      { name: 'qemu', load: () => working.get('qemu') },
    ])
    await expect(runtimes.place({ isolation: 'userspace' }, signal)).resolves.toMatchObject({ runtime: 'qemu' })
    await expect(runtimes.place({ runtime: 'gvisor', isolation: 'userspace' }, signal)).rejects.toMatchObject({
      code: 'runtime_unavailable',
      facts: { reason: 'no such file' },
    })
  })

  it('probes once for all who ask at the same time, fresh or not', async () => {
    const probed: boolean[] = []
    const answer = Promise.withResolvers<RuntimeReport>()
    const probe: KernelRuntime['probe'] = ({ fresh = false }) => {
      probed.push(fresh)
      return answer.promise
    }
    const runtimes = new Runtimes([
      { name: 'gvisor', load: async () => ({ name: 'gvisor', probe }) as unknown as KernelRuntime },
    ])
    const asked = [
      ...Array.from({ length: 20 }, () => runtimes.report('gvisor', { fresh: true }, signal)),
      ...Array.from({ length: 20 }, () => runtimes.place({ isolation: 'userspace' }, signal)),
    ]
    answer.resolve({
      runtime: 'gvisor',
      usable: true,
      isolation: 'userspace',
      attempts: [],
      missing: [],
      checkedAt: new Date(0).toISOString(),
    })
    await Promise.all(asked)
    expect(probed.sort()).toEqual([false, true])
  })

  it('loads nothing that the answer does not need', async () => {
    const { runtimes, loaded } = machine(everyday)
    await runtimes.place({ isolation: 'userspace' }, signal)
    await runtimes.place({ isolation: 'userspace' }, signal)
    expect(loaded).toEqual(['gvisor'])
  })
})
