import { readFileSync, statfsSync } from 'node:fs'
import path from 'node:path'
import type { Sandbox } from '@bulkhead/sdk/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { Attacked } from './attacked.ts'
import { attacks } from './attacks.ts'
import { Neighbour } from './neighbour.ts'

const MiB = 1024 * 1024
const size = 256 * MiB
const kinds = [
  { kind: 'gvisor', request: { runtime: 'gvisor' } },
  { kind: 'qemu, emulated', request: { runtime: 'qemu', isolation: 'emulated' } },
] as const

/** Much longer than any takes here; what runs on until then is ended and tells so. */
const attackMs = 200_000

let product: Product
beforeAll(async () => {
  // Nothing is made in advance: what the host has free is looked at.
  product = await openProduct({ BULKHEAD_POOL_SIZE: '0' })
})
afterAll(() => product?.[Symbol.asyncDispose]())

/** Of the host: a guest must not be able to move these much. */
const hostFree = () => ({
  disk: statfsSync(product.state).bavail * statfsSync(product.state).bsize,
  memory: Number(/MemAvailable:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024,
})

describe.each(kinds)('root in a guest of $kind', ({ request }) => {
  const { runtime } = request
  let neighbourSandbox: Sandbox
  beforeAll(async () => {
    neighbourSandbox = await product.client.sandboxes.create({ ...request, memoryBytes: size, diskBytes: size })
  })
  afterAll(() => neighbourSandbox?.delete())

  it.each(attacks)('$name: no request to a neighbour fails', { timeout: 400_000 }, async (attack) => {
    const { diskBytes = size, memoryBytes = { gvisor: size, qemu: size } } = attack
    const wanted = { ...request, memoryBytes: memoryBytes[runtime], diskBytes }
    const sandbox = await product.client.sandboxes.create(wanted)
    const attacked = new Attacked(product, sandbox)
    const before = hostFree()
    const neighbour = new Neighbour(neighbourSandbox)
    try {
      const program = readFileSync(path.join(import.meta.dirname, 'guest', attack.program), 'utf8')
      await Promise.all([attacked.run(program, attackMs), attack.meanwhile?.(attacked)])
      const after = hostFree()
      expect(before.disk - after.disk).toBeLessThan(diskBytes + size)
      expect(before.memory - after.memory).toBeLessThan(memoryBytes[runtime] + 2 * size)
      await attack.proof[runtime](attacked)
      // Also once it has had its effect.
      await neighbour.turns(5)
      expect((await product.client.sandboxes.list()).map(({ id }) => id)).toContain(neighbourSandbox.id)
    } finally {
      await sandbox.delete()
      await neighbour[Symbol.asyncDispose]()
    }
    expect(neighbour.failures).toEqual([])
    // Each within its time, one after the other: so their number is in proportion to how long it was asked.
    expect(neighbour.answered).toBeGreaterThanOrEqual(5)
    // The compartment can be made anew at once.
    const next = await product.client.sandboxes.create({ ...request, memoryBytes: size, diskBytes: size })
    const { exit } = await next.run(['true'])
    expect(exit).toEqual({ kind: 'exited', code: 0 })
    await next.delete()
  })
})
