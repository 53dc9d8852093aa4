import { afterEach, describe, expect, it } from 'vitest'
import { GuestControl } from '../../src/channel/guest-control.ts'
import { CgroupParent } from '../../src/confine/cgroup.ts'
import type { RunningKernel } from '../../src/index.ts'
import { deadline } from '../support/deadline.ts'
import { fireAndForget } from '../support/guest-command.ts'
import { leftovers } from '../support/leftovers.ts'
import type { Bench, Lacks } from './bench.ts'

const MiB = 1024 * 1024

export function describeExits(bench: Bench, lacks: Lacks): void {
  let kernel: RunningKernel | undefined
  const boot = async (): Promise<RunningKernel> => {
    kernel = await bench().runtime.boot(await bench().spec(), deadline())
    return kernel
  }

  describe('exit', () => {
    // However a kernel ends, it takes everything of it along, without being asked to.
    afterEach(async () => {
      if (!kernel) return
      await kernel.exited
      expect(await leftovers(kernel.handle.spec.id, bench().places)).toEqual([])
      await expect(kernel.channel(deadline())).rejects.toMatchObject({ code: 'guest_unreachable' })
      kernel = undefined
    })

    it('is stopped when asked for', async () => {
      const running = await boot()
      expect(await running.stop()).toEqual({ kind: 'stopped' })
    })

    it('is stopped when asked for twice, and without grace', async () => {
      const running = await boot()
      expect(await Promise.all([running.stop({ graceMs: 0 }), running.stop()])).toEqual([
        { kind: 'stopped' },
        { kind: 'stopped' },
      ])
    })

    it('is powered_off when the guest does so', async () => {
      const running = await boot()
      const session = await running.channel(deadline())
      await new GuestControl(session, running.handle.spec.identity.channelKey).powerOff(deadline())
      expect(await running.exited).toEqual({ kind: 'powered_off' })
    })

    it('is killed when the VMM is', async () => {
      const running = await boot()
      process.kill(running.handle.pid, 'SIGKILL')
      expect(await running.exited).toMatchObject({ kind: 'killed' })
    })

    it('is out_of_memory when the host’s limit is reached', async () => {
      const running = await boot()
      const { id } = running.handle.spec
      const cgroups = await CgroupParent.open(bench().places.cgroupRoot)
      const name = (await cgroups.list()).find((one) => one.includes(id))
      const cgroup = name === undefined ? undefined : await cgroups.find(name)
      if (!cgroup) throw new Error('no cgroup')
      const { memoryBytes } = await cgroup.usage()
      await cgroup.limit({ memoryBytes: memoryBytes + 24 * MiB, cpus: 1, pids: 1000 })
      await fireAndForget(running, 'python3 -c "x = bytearray(200 << 20); import time; time.sleep(1000)"')
      expect(await running.exited).toMatchObject({ kind: 'out_of_memory' })
    })

    it.skipIf(lacks.sysrq)(
      `is panicked when the kernel panics${lacks.sysrq ? ` (lacks: ${lacks.sysrq})` : ''}`,
      async () => {
        const running = await boot()
        await fireAndForget(running, 'echo c > /proc/sysrq-trigger')
        expect(await running.exited).toMatchObject({
          kind: 'panicked',
          detail: expect.stringContaining('Kernel panic'),
        })
      }
    )

    it('is told when the first process of the guest is killed from inside', async () => {
      const running = await boot()
      // The first process is out of reach of its guest's signals but for those it answers; either it lives or the kernel ends with it.
      await fireAndForget(running, 'kill -SEGV 1; kill -ABRT 1; kill -KILL 1')
      const alive = await Promise.race([
        running.inside('n', deadline()).then(
          () => true,
          () => false
        ),
        running.exited.then(() => false),
      ])
      if (alive) await running.stop()
      expect(['stopped', 'panicked', 'powered_off', 'crashed', 'killed']).toContain((await running.exited).kind)
    })
  })
}
