import { readFileSync, statfsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CreateSandboxInput, Sandbox } from '@bulkhead/sdk/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { attacks } from './attacks.ts'
import { Neighbour } from './neighbour.ts'

const MiB = 1024 * 1024
const kinds: Record<string, CreateSandboxInput> = {
  gvisor: { runtime: 'gvisor', memoryBytes: 256 * MiB, diskBytes: 256 * MiB },
  'qemu, emulated': { runtime: 'qemu', isolation: 'emulated', memoryBytes: 256 * MiB, diskBytes: 256 * MiB },
}

let product: Product
beforeAll(async () => {
  product = await openProduct()
})
afterAll(() => product?.[Symbol.asyncDispose]())

/** Of the host: a guest must not be able to move these much. */
const hostFree = () => ({
  disk: statfsSync(product.state).bavail * statfsSync(product.state).bsize,
  memory: Number(/MemAvailable:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024,
})

describe.each(Object.entries(kinds))('root in a guest of %s', (_, request) => {
  let neighbourSandbox: Sandbox
  beforeAll(async () => {
    neighbourSandbox = await product.client.sandboxes.create(request)
  })
  afterAll(() => neighbourSandbox?.delete())

  it.each(attacks)('$name: no request to a neighbour fails', { timeout: 120_000 }, async (attack) => {
    const attacker = await product.client.sandboxes.create(request)
    const before = hostFree()
    const neighbour = new Neighbour(neighbourSandbox)
    try {
      // The answer may never come, or be an error: the guest may be dead by then.
      const attacking = attacker
        .run(['sh', '-c', attack.script ?? ':'], { user: 'root', maxOutputBytes: MiB })
        .catch(() => {})
      await Promise.all([sleep(attack.forMs), attack.meanwhile?.(attacker, product.client)])
      await Promise.race([attacking, sleep(0)])
      const after = hostFree()
      expect(before.disk - after.disk).toBeLessThan(2 * 256 * MiB)
      expect(before.memory - after.memory).toBeLessThan(3 * 256 * MiB)
    } finally {
      await attacker.delete()
      await neighbour[Symbol.asyncDispose]()
    }
    expect(neighbour.failures).toEqual([])
    expect(neighbour.answered).toBeGreaterThan(3)
    // The compartment can be made anew at once.
    const next = await product.client.sandboxes.create(request)
    const { exit } = await next.run(['true'])
    expect(exit).toEqual({ kind: 'exited', code: 0 })
    await next.delete()
  })
})
