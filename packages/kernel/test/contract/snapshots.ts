import { open, readdir, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { KernelSnapshot, RunningKernel } from '../../src/index.ts'
import { deadline } from '../support/deadline.ts'
import { shell } from '../support/guest-command.ts'
import { leftovers } from '../support/leftovers.ts'
import type { Bench, Lacks } from './bench.ts'

export function describeSnapshots(bench: Bench, lacks: Lacks): void {
  const snapshotOf = async (kernel: RunningKernel): Promise<KernelSnapshot> =>
    kernel.snapshot(await bench().emptyFolder(), deadline())

  describe('snapshot', () => {
    it('makes clones that share their past and nothing else', async () => {
      const origin = await bench().runtime.boot(await bench().spec(), deadline())
      await shell(origin, 'echo before > /home/user/past; (sleep 1000 & echo $! > /home/user/sleeper) > /dev/null')
      const snapshot = await snapshotOf(origin)
      expect(await shell(origin, 'cat /home/user/past'), 'the origin goes on').toBe('before')
      await origin.stop({ graceMs: 0 })

      const specs = [await bench().spec(), await bench().spec()] as const
      await using one = await bench().runtime.restore(snapshot, specs[0], deadline())
      await using two = await bench().runtime.restore(snapshot, specs[1], deadline())

      const facts = async (kernel: RunningKernel) => {
        const random = await shell(kernel, 'head -c 32 /dev/urandom | od -An -tx1')
        const inside = await kernel.inside('n', deadline())
        return { random, inside }
      }
      const [first, second] = [await facts(one), await facts(two)]
      expect(first.random).not.toBe(second.random)
      expect([first.inside.hostname, second.inside.hostname]).toEqual(specs.map((spec) => spec.identity.hostname))
      expect([first.inside.machineId, second.inside.machineId]).toEqual(specs.map((spec) => spec.identity.machineId))
      if (!lacks.clonedBootId) expect(first.inside.bootId).not.toBe(second.inside.bootId)
      for (const { inside } of [first, second]) {
        expect(Math.abs(Date.parse(inside.wallClock) - Date.now())).toBeLessThan(60_000)
      }

      for (const clone of [one, two]) {
        expect(await shell(clone, 'cat /home/user/past; kill -0 $(cat /home/user/sleeper) && echo sleeps')).toBe(
          'before\nsleeps'
        )
      }
      await shell(one, 'echo one > /home/user/past; echo one > /dev/shm/one')
      expect(await shell(two, 'cat /home/user/past; test -e /dev/shm/one || echo absent')).toBe('before\nabsent')
    })

    it('can be taken of a clone, and outlives what it was made from', async () => {
      const origin = await bench().runtime.boot(await bench().spec(), deadline())
      const first = await snapshotOf(origin)
      await origin.stop({ graceMs: 0 })
      const clone = await bench().runtime.restore(first, await bench().spec(), deadline())
      await shell(clone, 'echo generation 2 > /home/user/note; echo in memory > /dev/shm/note')
      const second = await snapshotOf(clone)
      await clone.stop({ graceMs: 0 })
      await bench().remove(first.directory)

      await using grandchild = await bench().runtime.restore(second, await bench().spec(), deadline())
      expect(await shell(grandchild, 'cat /home/user/note /dev/shm/note')).toBe('generation 2\nin memory')
    })

    it('refuses the key and the token of the time before', async () => {
      const origin = await bench().runtime.boot(await bench().spec(), deadline())
      const snapshot = await snapshotOf(origin)
      await origin.stop({ graceMs: 0 })
      await using clone = await bench().runtime.restore(snapshot, await bench().spec(), deadline())
      const session = await clone.channel(deadline())
      const status = await new Promise((resolve, reject) => {
        const request = session.request({
          ':method': 'POST',
          ':path': '/process.Process/List',
          'content-type': 'application/json',
          'x-access-token': origin.handle.spec.identity.accessToken,
        })
        request.on('response', (headers) => resolve(headers[':status'])).on('error', reject)
        request.resume().end('{}')
      })
      expect(status).toBe(401)
    })

    it.each([20, 300, 900])(
      'is whole or not there when aborted after %i ms, and the origin goes on',
      async (afterMs) => {
        const spec = await bench().spec()
        await using origin = await bench().runtime.boot(spec, deadline())
        const into = await bench().emptyFolder()
        const before = await readdir(dirname(into))
        const outcome = await origin.snapshot(into, AbortSignal.timeout(afterMs)).catch(() => undefined)
        expect(await shell(origin, 'echo still here')).toBe('still here')
        expect(await readdir(dirname(into)), 'nothing beside it').toEqual(before)
        if (outcome) {
          await using clone = await bench().runtime.restore(outcome, await bench().spec(), deadline())
          expect(await shell(clone, 'echo whole')).toBe('whole')
        } else {
          expect(await readdir(into)).toEqual([])
        }
        expect((await leftovers(spec.id, bench().places)).filter((what) => what.includes('merge'))).toEqual([])
      }
    )

    it('leaves the guest within reach, however often one is begun and given up', async () => {
      await using origin = await bench().runtime.boot(await bench().spec(), deadline())
      for (let round = 0; round < 12; round++) {
        const into = await bench().emptyFolder()
        await origin.snapshot(into, AbortSignal.timeout(20)).catch(() => undefined)
        expect((await origin.inside(`round ${round}`, deadline())).nonce).toBe(`round ${round}`)
      }
    })

    it('is refused when a part is missing or cut short, and nothing is left of the attempt', async () => {
      const origin = await bench().runtime.boot(await bench().spec(), deadline())
      const snapshot = await snapshotOf(origin)
      await origin.stop({ graceMs: 0 })
      const [largest] = await bench().filesBySize(snapshot.directory)
      if (!largest) throw new Error('an empty snapshot')
      await truncate(join(snapshot.directory, largest), 4096)
      const spec = await bench().spec()
      await expect(bench().runtime.restore(snapshot, spec, deadline())).rejects.toMatchObject({
        code: expect.stringMatching(/^(snapshot_unusable|kernel_start_failed)$/),
      })
      expect(await leftovers(spec.id, bench().places)).toEqual([])
      expect(await readdir(spec.stateDirectory)).toEqual([])
    })

    it('is read-only', async () => {
      const origin = await bench().runtime.boot(await bench().spec(), deadline())
      const snapshot = await snapshotOf(origin)
      await origin.stop({ graceMs: 0 })
      for (const name of await readdir(snapshot.directory)) {
        await using file = await open(join(snapshot.directory, name), 'r')
        expect((await file.stat()).mode & 0o222, name).toBe(0)
      }
    })
  })
}
