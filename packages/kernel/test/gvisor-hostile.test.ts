/** Root in the guest does its worst. What it breaks is its own: a neighbour that is asked every 50 ms answers every time. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGvisorRuntime, type RunningKernel } from '../src/index.ts'
import { deadline } from './support/deadline.ts'
import { fireAndForget, run, shell } from './support/guest-command.ts'
import { installation } from './support/installation.ts'
import { Workbench } from './support/workbench.ts'

const MiB = 1024 * 1024

describe('gvisor: root in the guest', () => {
  let bench: Workbench
  let neighbour: RunningKernel
  beforeAll(async () => {
    bench = await Workbench.open((places) => createGvisorRuntime({ ...installation(), ...places }))
    neighbour = await bench.runtime.boot(await bench.spec(), deadline())
  })
  afterAll(() => bench?.[Symbol.asyncDispose]())

  /** Asks the neighbour until it is disposed, which fails when one question had no answer. */
  function askNeighbour(): AsyncDisposable {
    const over = new AbortController()
    const asking = (async () => {
      for (let i = 0; !over.signal.aborted; i++) {
        expect((await neighbour.inside(`n${i}`, AbortSignal.timeout(20_000))).nonce).toBe(`n${i}`)
        await sleep(50)
      }
    })()
    asking.catch(() => {})
    return {
      async [Symbol.asyncDispose]() {
        over.abort()
        await asking
      },
    }
  }

  const boot = async (over: Parameters<Workbench['spec']>[0] = {}) =>
    bench.runtime.boot(await bench.spec(over), deadline())

  it('with a fork bomb: ends its own kernel or lives on, and nobody else notices', async () => {
    await using _ = askNeighbour()
    await using kernel = await boot()
    await fireAndForget(kernel, 'bomb() { bomb | bomb & }; bomb')
    let ended = false
    kernel.exited.then(() => {
      ended = true
    })
    for (const until = performance.now() + 5000; !ended && performance.now() < until; await sleep(100)) {
      const usage = await kernel.usage().catch((error) => {
        if (!ended && error.code !== 'ENOENT' && error.code !== 'ENODEV') throw error // it ends at this moment
      })
      expect(usage?.processes ?? 0).toBeLessThan(2000)
    }
    await kernel.stop()
  })

  it('with all memory: loses the process or its kernel, and nobody else notices', async () => {
    await using _ = askNeighbour()
    await using kernel = await boot()
    const hog = run(kernel, 'python3', '-c', "x = []\nwhile True: x.append(b'x' * (16 << 20))")
    // The host ends the largest of the kernel's processes, which is the guest's process or the sentry.
    const ended = await Promise.race([kernel.exited, hog.catch(() => kernel.exited)])
    if ('kind' in ended) expect(ended.kind).toBe('out_of_memory')
    else {
      expect(ended.exitCode).not.toBe(0)
      expect(await shell(kernel, 'echo lives on')).toBe('lives on')
    }
  })

  it.each(['/home/user', '/tmp'])(
    'filling the disk in %s: is told ENOSPC at its size, and the kernel lives on',
    async (folder) => {
      await using _ = askNeighbour()
      await using kernel = await boot({ diskBytes: 64 * MiB })
      const output = await run(kernel, 'dd', 'if=/dev/urandom', `of=${folder}/fill`, 'bs=1M', 'count=200')
      expect(output).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('No space left on device') })
      expect(Number(await shell(kernel, `stat -c %s ${folder}/fill`))).toBeLessThanOrEqual(64 * MiB)
      expect(await shell(kernel, `rm ${folder}/fill; echo again > ${folder}/note; cat ${folder}/note`)).toBe('again')
    }
  )

  it('flooding the log: has no more than its bound on the host', async () => {
    await using _ = askNeighbour()
    await using kernel = await boot()
    await shell(kernel, 'sudo -n true; for i in 1 2 3 4; do head -c 2000000 /dev/zero > /proc/1/fd/2; done')
    const { size } = await stat(join(bench.places.runRoot, `gvisor-${kernel.handle.spec.id}`, 'log'))
    expect(size).toBeLessThanOrEqual(MiB)
    expect((await kernel.inside('still', deadline())).nonce).toBe('still')
  })

  it('killing the first process: ends its kernel at most', async () => {
    await using _ = askNeighbour()
    await using kernel = await boot()
    await fireAndForget(kernel, 'kill -9 1; kill -BUS 1; kill -TERM 1')
    expect(['killed', 'panicked', 'powered_off', 'crashed']).toContain((await kernel.exited).kind)
  })

  it('looking for the host: finds no device, no host folder, no interface, no host process', async () => {
    await using kernel = await boot()
    expect(await shell(kernel, 'ls /dev/mem /dev/kvm /dev/vda 2>/dev/null; true')).toBe('')
    expect(await shell(kernel, 'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "')).toBe('lo')
    expect(await shell(kernel, 'cut -d" " -f3 /proc/mounts | sort -u | tr "\\n" " "')).not.toMatch(/ext4|xfs|btrfs/)
    const bound = await shell(kernel, 'grep 9p /proc/mounts')
    expect(bound.split('\n')).toHaveLength(1)
    expect(bound).toMatch(/^none \/\.bulkhead\/agent 9p ro/)
    expect((await run(kernel, 'sh', '-c', 'echo x > /.bulkhead/agent')).exitCode).not.toBe(0)
    expect(await shell(kernel, 'ls /proc | grep -c "^[0-9]*$"').then(Number)).toBeLessThan(10)
  })

  it('sees the memory it was given, not the host’s', async () => {
    await using kernel = await boot({ memoryBytes: 192 * MiB })
    expect(await shell(kernel, 'sed -n "s/^MemTotal: *//p" /proc/meminfo')).toBe(`${192 * 1024} kB`)
  })

  it('becomes root by sudo, and only there', async () => {
    await using kernel = await boot()
    expect(await shell(kernel, 'su user -c "sudo -n id -u"')).toBe('0')
    expect((await kernel.witness()).uid).toBe(kernel.handle.spec.uid)
  })
})
