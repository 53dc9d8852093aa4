import { describe, expect, it } from 'vitest'
import { isAlive } from '../../src/confine/process-identity.ts'
import { deadline } from '../support/deadline.ts'
import { shell } from '../support/guest-command.ts'
import { leftovers } from '../support/leftovers.ts'
import type { Bench } from './bench.ts'

export function describeTakeover(bench: Bench): void {
  describe('adopt', () => {
    it('takes over a kernel whose server has gone, with all it ran', async () => {
      const first = await bench().runtime.boot(await bench().spec(), deadline())
      await shell(first, 'echo kept > /dev/shm/note')
      // Through JSON: so it comes out of a ledger.
      const handle = JSON.parse(JSON.stringify(first.handle))
      await first.release()

      const second = await (await bench().another()).adopt(handle, deadline())
      expect(second.handle).toEqual(handle)
      expect(await shell(second, 'cat /dev/shm/note')).toBe('kept')
      expect((await second.usage()).processes).toBeGreaterThan(0)
      expect((await second.witness()).pid).toBe(handle.pid)
      expect(await second.stop()).toEqual({ kind: 'stopped' })
      expect(await second.exited).toEqual({ kind: 'stopped' })
      expect(await leftovers(handle.spec.id, bench().places)).toEqual([])
    })

    it('notices the end of an adopted kernel', async () => {
      const first = await bench().runtime.boot(await bench().spec(), deadline())
      const { handle } = first
      await first.release()
      const second = await (await bench().another()).adopt(handle, deadline())
      process.kill(handle.pid, 'SIGKILL')
      expect((await second.exited).kind).toBe('killed')
      expect(await leftovers(handle.spec.id, bench().places)).toEqual([])
    })

    it('says so when the kernel has ended meanwhile', async () => {
      const first = await bench().runtime.boot(await bench().spec(), deadline())
      const { handle } = first
      await first.release()
      process.kill(handle.pid, 'SIGKILL')
      // Until then there still is one that can be adopted; it ends right after.
      await expect.poll(() => isAlive(handle)).toBe(false)
      const other = await bench().another()
      await expect(other.adopt(handle, deadline())).rejects.toMatchObject({ code: 'kernel_gone' })
      await other.sweep(new Set())
      expect(await leftovers(handle.spec.id, bench().places)).toEqual([])
    })
  })

  describe('sweep', () => {
    it('removes what nobody owns and leaves the others running', async () => {
      await using kept = await bench().runtime.boot(await bench().spec(), deadline())
      const lost = await bench().runtime.boot(await bench().spec(), deadline())
      await lost.release()
      const swept = await (await bench().another()).sweep(new Set([kept.handle.spec.id]))
      expect(swept).toEqual([lost.handle.spec.id])
      expect(await leftovers(lost.handle.spec.id, bench().places)).toEqual([])
      expect(await shell(kept, 'echo unharmed')).toBe('unharmed')
      expect(await (await bench().another()).sweep(new Set([kept.handle.spec.id]))).toEqual([])
    })
  })
}
