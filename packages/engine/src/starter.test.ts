import type { KernelRuntime, KernelSpec, RunningKernel } from '@bulkhead/kernel'
import { failure } from '@bulkhead/wire'
import { expect, it, vi } from 'vitest'
import { BootSlots } from './boot-slots.ts'
import type { Capacity } from './capacity.ts'
import type { Runtimes } from './runtimes.ts'
import type { Shape } from './shape.ts'
import { Starter } from './starter.ts'
import type { Templates } from './templates.ts'

const never = new AbortController().signal
const full = failure('capacity_exhausted', { resource: 'bytes of memory', needed: 2, available: 1 })

/** A starter on a machine that has room once the pool gave way. */
function crowded(poolHasMembers: boolean) {
  let room = false
  const giveWay = vi.fn(async () => {
    room = poolHasMembers
    return poolHasMembers
  })
  const boot = vi.fn(async () => ({}) as RunningKernel)
  const runtime = { cloningPays: false, boot } as unknown as KernelRuntime
  const starter = new Starter({
    runtimes: { get: async () => runtime } as unknown as Runtimes,
    templates: {} as Templates,
    slots: new BootSlots({ parallel: 1, waiting: 1 }),
    capacity: { check: async () => (room ? undefined : Promise.reject(full)) } as unknown as Capacity,
    giveWay,
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  })
  const start = (urgency: 'foreground' | 'background') => starter.start({} as Shape, urgency, {} as KernelSpec, never)
  return { start, boot, giveWay }
}

it('lets the pool give way to a caller', async () => {
  const { start, boot } = crowded(true)
  await start('foreground')
  expect(boot).toHaveBeenCalledOnce()
})

it('refuses when there is nothing that could give way, and starts nothing', async () => {
  const { start, boot } = crowded(false)
  await expect(start('foreground')).rejects.toBe(full)
  expect(boot).not.toHaveBeenCalled()
})

it('makes nothing in advance at the cost of what was made in advance', async () => {
  const { start, giveWay } = crowded(true)
  await expect(start('background')).rejects.toBe(full)
  expect(giveWay).not.toHaveBeenCalled()
})

it('gives its place in the queue back when it is refused', async () => {
  const { start } = crowded(false)
  for (let i = 0; i < 3; i += 1) await expect(start('foreground')).rejects.toBe(full)
})
