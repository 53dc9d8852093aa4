import { describe, expect, it } from 'vitest'
import { place, placementsOf, reportsOf } from './placement.ts'

const gvisor = { name: 'sandboxed', handler: 'runsc' }
const kata = { name: 'vm', handler: 'kata-qemu' }
const runc = { name: 'gvisor', handler: 'runc' }

describe('what handlers give', () => {
  it.each([
    ['runsc', 'gvisor', 'userspace'],
    ['runsc-kvm', 'gvisor', 'userspace'],
    ['gvisor', 'gvisor', 'userspace'],
    ['kata', 'qemu', 'hardware'],
    ['kata-qemu', 'qemu', 'hardware'],
    ['kata-qemu-snp', 'qemu', 'hardware'],
  ])('%s', (handler, runtime, isolation) => {
    expect(placementsOf([{ name: 'any', handler }])).toEqual([{ runtime, isolation, runtimeClass: 'any' }])
  })

  // A RuntimeClass's own name says nothing; what shares the node's kernel is never used.
  it.each(['runc', 'crun', '', 'my-runsc', 'kata-clh', 'kata-fc', 'kata-qemu-tcg', 'nvidia', 'runscape'])(
    'not %j',
    (handler) => {
      expect(placementsOf([{ name: 'gvisor', handler }])).toEqual([])
    }
  )
})

it('takes gVisor first, and what is stronger where that is asked for', () => {
  const classes = [kata, runc, gvisor]
  expect(place({ isolation: 'userspace' }, classes).runtimeClass).toBe('sandboxed')
  expect(place({ isolation: 'emulated' }, classes).runtimeClass).toBe('sandboxed')
  expect(place({ isolation: 'hardware' }, classes).runtimeClass).toBe('vm')
  expect(place({ isolation: 'userspace', runtime: 'qemu' }, classes).runtimeClass).toBe('vm')
})

it.each([
  [{ isolation: 'hardware' } as const, [gvisor], 'isolation_unavailable'],
  [{ isolation: 'userspace' } as const, [runc], 'isolation_unavailable'],
  [{ isolation: 'emulated' } as const, [], 'isolation_unavailable'],
  [{ isolation: 'hardware', runtime: 'gvisor' } as const, [gvisor, kata], 'isolation_unavailable'],
  [{ isolation: 'userspace', runtime: 'qemu' } as const, [gvisor], 'runtime_unavailable'],
])('refuses %j of %j', (wanted, classes, code) => {
  expect(() => place(wanted, classes)).toThrow(expect.objectContaining({ code }))
})

it('reports each runtime, and why one is not there', () => {
  expect(reportsOf([gvisor, runc], 'now')).toMatchObject([
    { runtime: 'gvisor', usable: true, isolation: 'userspace', reason: expect.stringContaining('sandboxed') },
    { runtime: 'qemu', usable: false },
  ])
})
