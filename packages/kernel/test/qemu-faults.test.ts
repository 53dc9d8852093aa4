import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createQemuRuntime, type QemuRuntimeOptions } from '../src/index.ts'
import { deadline } from './support/deadline.ts'
import { fireAndForget, run, shell } from './support/guest-command.ts'
import { installation } from './support/installation.ts'
import { leftovers } from './support/leftovers.ts'
import { sleepingInitrd } from './support/sleeping-initrd.ts'
import { type Places, Workbench } from './support/workbench.ts'

const host = promisify(execFile)
const MiB = 1024 * 1024

/** Takes the agent's own descriptor: a second open of the port is refused, and would prove nothing. */
const garbage = join(import.meta.dirname, '../../../test/containment/guest/garbage.py')

let bench: Workbench
const make =
  (over: Partial<QemuRuntimeOptions> = {}) =>
  (places: Places) =>
    createQemuRuntime({ ...installation(), ...places, ...over })

beforeEach(async () => {
  bench = await Workbench.open(make())
})
afterEach(() => bench[Symbol.asyncDispose]())

/** A file system of its own, of that size, at a new folder. */
async function smallDisk(sizeMiB: number) {
  const path = await bench.emptyFolder()
  await host('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m,mode=0711`, 'bulkhead-test', path])
  return { path, [Symbol.asyncDispose]: async () => void (await host('umount', ['-l', path])) }
}

async function retried<T>(ask: () => Promise<T>): Promise<T> {
  const patience = deadline()
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (patience.aborted) throw error
    }
  }
}

describe('probe', () => {
  it('says what was tried and how it ended, leaves nothing, and does not boot twice', async () => {
    const report = await bench.runtime.probe({ fresh: true }, deadline())
    expect(report.usable).toBe(true)
    expect(report.attempts.map(({ what }) => what)).toContain('tcg')
    if (report.isolation !== 'hardware') expect(report.reason).toMatch(/\S/)
    expect(await leftovers('probe', bench.places)).toEqual([])

    const again = await bench.runtime.probe({}, deadline())
    expect(again.checkedAt).toBe(report.checkedAt)
  })

  it('does not take a kernel that never boots for one that does', async () => {
    const folder = await bench.emptyFolder()
    const notAKernel = join(folder, 'kernel')
    await writeFile(notAKernel, Buffer.alloc(MiB))
    const runtime = await make({ kernelImage: notAKernel })(bench.places)
    const report = await runtime.probe({ fresh: true }, deadline())
    expect(report).toMatchObject({ usable: false, reason: expect.stringMatching(/tcg: \S/) })
    expect(await leftovers('probe', bench.places)).toEqual([])
  })

  it('says that QEMU is not there', async () => {
    const runtime = await make({ qemu: '/nonexistent/qemu' })(bench.places)
    const report = await runtime.probe({ fresh: true }, deadline())
    expect(report).toMatchObject({ usable: false, reason: expect.stringContaining('/nonexistent/qemu') })
    const spec = await bench.spec()
    await expect(runtime.boot(spec, deadline())).rejects.toMatchObject({ code: 'kernel_start_failed' })
    expect(await leftovers(spec.id, bench.places)).toEqual([])
  })
})

describe('boot', () => {
  it('is given up at its deadline when the guest hangs, with all that was made for it', async () => {
    // It boots, and its first process sleeps for ever: no machine is fast enough to be done before the deadline.
    const initrd = await sleepingInitrd(await bench.emptyFolder())
    const runtime = await make({ initrd, bootDeadlineMs: 4000 })(bench.places)
    const spec = await bench.spec()
    await expect(runtime.boot(spec, deadline())).rejects.toMatchObject({
      code: 'kernel_start_failed',
      facts: { reason: expect.stringContaining('4000 ms') },
    })
    expect(await leftovers(spec.id, bench.places)).toEqual([])
    expect(await readdir(spec.stateDirectory)).toEqual([])
  })

  it('has no secret in a command line', async () => {
    const spec = await bench.spec()
    await using kernel = await bench.runtime.boot(spec, deadline())
    const { stdout } = await host('ps', ['-eo', 'args', 'ww'])
    for (const secret of [spec.identity.accessToken, spec.identity.channelKey]) expect(stdout).not.toContain(secret)
    expect(await shell(kernel, 'cat /proc/cmdline')).not.toContain(spec.identity.channelKey)
  })
})

describe('a full disk of the host', () => {
  it('fails the snapshot as disk_full; the guest goes on and nothing of it is left', async () => {
    await using kernel = await bench.runtime.boot(await bench.spec(), deadline())
    await using small = await smallDisk(20)
    const into = join(small.path, 'snapshot')
    await mkdir(into)
    await expect(kernel.snapshot(into, deadline())).rejects.toMatchObject({ code: 'disk_full' })
    expect(await readdir(small.path)).toEqual(['snapshot'])
    expect(await readdir(into)).toEqual([])
    expect(await shell(kernel, 'echo unharmed')).toBe('unharmed')
  })

  it('is an I/O error for the guest that filled it, and nothing for its neighbour', async () => {
    await using small = await smallDisk(60)
    await using filler = await bench.runtime.boot(await bench.spec({ stateDirectory: small.path }), deadline())
    await using neighbour = await bench.runtime.boot(await bench.spec(), deadline())
    const written = await run(filler, 'sh', '-c', 'dd if=/dev/urandom of=/fill bs=1M count=200 conv=fsync')
    expect(written.exitCode, written.stderr).not.toBe(0)
    expect(
      await shell(neighbour, 'dd if=/dev/urandom of=/fine bs=1M count=20 conv=fsync 2>/dev/null; wc -c < /fine')
    ).toBe(String(20 * MiB))
    // Whatever its file system makes of it: the guest itself lives, and can be asked and ended.
    expect(await shell(filler, 'echo alive')).toBe('alive')
    expect(await filler.stop()).toEqual({ kind: 'stopped' })
  })
})

describe('a hostile guest', () => {
  it('floods its serial line and the kernel log: the host’s disk does not grow', async () => {
    const spec = await bench.spec()
    await using kernel = await bench.runtime.boot(spec, deadline())
    const folder = join(bench.places.runRoot, `qemu-${spec.id}`)
    const size = async () => {
      const files = await readdir(folder)
      const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size))
      return sizes.reduce((sum, one) => sum + one, 0)
    }
    const before = await size()
    await fireAndForget(kernel, 'yes "<0>flood flood flood" > /dev/ttyS0 & yes "<0>flood" > /dev/kmsg')
    // It goes on while others are answered.
    for (let round = 0; round < 5; round++) expect(await shell(kernel, 'echo answer')).toBe('answer')
    expect(await size()).toBe(before)
  })

  it('forks without end: the kernel can still be ended, and the neighbour answers', async () => {
    const spec = await bench.spec()
    await using kernel = await bench.runtime.boot(spec, deadline())
    await using neighbour = await bench.runtime.boot(await bench.spec(), deadline())
    await fireAndForget(kernel, 'f() { f | f & }; f')
    for (let round = 0; round < 5; round++) expect(await shell(neighbour, 'echo answer')).toBe('answer')
    expect((await kernel.usage()).processes).toBeLessThan(10)
    expect(await kernel.stop()).toEqual({ kind: 'stopped' })
    expect(await leftovers(spec.id, bench.places)).toEqual([])
  })

  it('writes garbage into its end of the channel: only its own session suffers', async () => {
    await using kernel = await bench.runtime.boot(await bench.spec(), deadline())
    const channel = await kernel.channel(deadline())
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    // Not by `once`: the error that comes first is what is wanted here.
    channel.once('close', resolve)
    await fireAndForget(kernel, `exec python3 -c '${readFileSync(garbage, 'utf8').replaceAll("'", `'\\''`)}'`)
    await ended
    // Until all of it has come through no session lasts.
    const mark = await retried(() => shell(kernel, 'cat /var/tmp/mark'))
    expect(mark).toMatch(/^\/dev\/vport.* written=2097152\nend$/m)
    expect(await shell(kernel, 'echo alive')).toBe('alive')
  })
})
