import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { deadline } from '../support/deadline.ts'
import { run, shell } from '../support/guest-command.ts'
import { leftovers } from '../support/leftovers.ts'
import type { Bench } from './bench.ts'

export function describeLifecycle(bench: Bench): void {
  describe('boot', () => {
    it('runs commands in a kernel that is not the host’s, with the identity it was given', async () => {
      const spec = await bench().spec()
      await using kernel = await bench().runtime.boot(spec, deadline())

      expect(await run(kernel, 'sh', '-c', 'echo to stdout; echo to stderr >&2; exit 7')).toEqual({
        stdout: 'to stdout\n',
        stderr: 'to stderr\n',
        exitCode: 7,
      })
      const echoed = await shell(kernel, 'hostname; cat /etc/machine-id; echo $CONTRACT; pwd')
      expect(echoed.split('\n')).toEqual([spec.identity.hostname, spec.identity.machineId, 'kept', '/home/user'])

      const inside = await kernel.inside('the-nonce', deadline())
      expect(inside.nonce).toBe('the-nonce')
      const { bootId, kernelRelease } = bench().hostKernel
      expect(inside.bootId).not.toBe(bootId)
      expect(inside.kernelRelease).not.toBe(kernelRelease)
      expect(Math.abs(Date.parse(inside.wallClock) - Date.now())).toBeLessThan(60_000)
    })

    it('counts what the kernel uses', async () => {
      await using kernel = await bench().runtime.boot(await bench().spec(), deadline())
      const before = await kernel.usage()
      await shell(kernel, 'head -c 30000000 /dev/urandom | sha256sum')
      const after = await kernel.usage()
      expect(after.cpuSeconds).toBeGreaterThan(before.cpuSeconds)
      expect(after.memoryBytes).toBeGreaterThan(1024 * 1024)
      expect(after.processes).toBeGreaterThan(0)
    })

    it('gives the guest another identity, which its handle then carries', async () => {
      await using kernel = await bench().runtime.boot(await bench().spec(), deadline())
      const other = bench().identity()
      await kernel.configure(other, deadline())
      expect(kernel.handle.spec.identity).toEqual(other)
      // The next handshake needs the new key, the next request the new token.
      ;(await kernel.channel(deadline())).destroy()
      expect(await shell(kernel, 'hostname')).toBe(other.hostname)
    })

    it('shares the root image and cannot write to it', async () => {
      await using one = await bench().runtime.boot(await bench().spec(), deadline())
      await using two = await bench().runtime.boot(await bench().spec(), deadline())
      await shell(one, 'echo mine > /etc/contract; rm -f /etc/issue')
      expect(await shell(two, 'test -e /etc/contract || echo absent; test -e /etc/issue && echo present')).toBe(
        'absent\npresent'
      )
    })

    it.each([0, 150, 1500])('leaves nothing when aborted after %i ms', async (afterMs) => {
      const spec = await bench().spec()
      const abort = new AbortController()
      const boot = bench().runtime.boot(spec, abort.signal)
      boot.catch(() => {})
      await sleep(afterMs)
      const reason = new Error('changed my mind')
      abort.abort(reason)
      // A boot that had won the race is a kernel like any other.
      const outcome = await boot.then(
        async (kernel) => void (await kernel.stop({ graceMs: 0 })),
        (error: unknown) => error
      )
      expect([reason, undefined]).toContain(outcome)
      expect(await leftovers(spec.id, bench().places)).toEqual([])
      if (outcome) expect(await readdir(spec.stateDirectory)).toEqual([])
    })

    it('leaves nothing of a kernel whose image is none', async () => {
      const spec = await bench().spec({ rootImage: '/etc/hostname' })
      await expect(bench().runtime.boot(spec, deadline())).rejects.toMatchObject({ code: 'kernel_start_failed' })
      expect(await leftovers(spec.id, bench().places)).toEqual([])
    })

    it('refuses a class it does not give, and starts nothing', async () => {
      const spec = await bench().spec({ isolation: bench().runtime.name === 'qemu' ? 'userspace' : 'hardware' })
      await expect(bench().runtime.boot(spec, deadline())).rejects.toMatchObject({ code: 'isolation_unavailable' })
      expect(await leftovers(spec.id, bench().places)).toEqual([])
    })
  })

  describe('pause', () => {
    it('stands still, and goes on where it was', async () => {
      await using kernel = await bench().runtime.boot(await bench().spec(), deadline())
      await shell(kernel, '(while :; do echo x >> /tmp/ticks; sleep 0.05; done) > /dev/null 2>&1 &')
      await kernel.pause()
      const before = (await kernel.usage()).cpuSeconds
      await sleep(500)
      expect((await kernel.usage()).cpuSeconds - before).toBeLessThan(0.2)
      await kernel.resume()
      const ticks = async () => Number(await shell(kernel, 'wc -l < /tmp/ticks'))
      const first = await ticks()
      await expect.poll(ticks, { timeout: 20_000 }).toBeGreaterThan(first)
    })

    it('can be stopped while it is paused', async () => {
      const spec = await bench().spec()
      const kernel = await bench().runtime.boot(spec, deadline())
      await kernel.pause()
      expect(await kernel.stop()).toEqual({ kind: 'stopped' })
      expect(await leftovers(spec.id, bench().places)).toEqual([])
    })
  })
}
