import { describe, expect, it } from 'vitest'
import type { RunningKernel } from '../../src/index.ts'
import { confinedProcesses } from '../support/confined-processes.ts'
import { deadline } from '../support/deadline.ts'
import type { Bench } from './bench.ts'

export interface ExpectedPosture {
  /** Every mount the VMM may see, and whether it may write there. */
  readonly mounts: readonly { readonly target: RegExp; readonly writable: boolean }[]
  /** Every file it may have open for writing; what has no path (sockets, pipes, anonymous inodes) aside. */
  readonly writableFiles: readonly RegExp[]
  /** Every file it may have open at all. */
  readonly files: readonly RegExp[]
  /** Whether it lives in a user namespace of its own. */
  readonly ownUserNamespace: boolean
  /** Every process there is for it, the first that fits; none may be missing, and there may be no other. */
  readonly processes: readonly ExpectedProcess[]
}

/** Unless it says otherwise: the kernel's uid, no capabilities, a filter of system calls, in the cgroup. */
export interface ExpectedProcess {
  readonly command: RegExp
  /** No filter, and why not. */
  readonly unfiltered?: string
  /** Capabilities over a user namespace of its own, which has that one uid, and why. */
  readonly capabilities?: string
  /** uid 0, though without capabilities, and why. */
  readonly root?: string
  /** Not in the cgroup, and why. */
  readonly outside?: string
}

const MiB = 1024 * 1024
/** A set of capabilities. */
const none = '0'.repeat(16)

export function describePosture(bench: Bench, expected: ExpectedPosture): void {
  const check = async (kernel: RunningKernel) => {
    const { spec } = kernel.handle
    const host = await kernel.witness()

    expect(host.pid).toBe(kernel.handle.pid)
    expect([host.uid, host.gid]).toEqual([spec.uid, spec.uid])
    expect(host.capabilities).toEqual([])
    expect(host.seccomp, 'a filter').toBe(2)
    expect(host.noNewPrivs).toBe(true)
    expect(host.missing).toEqual([])

    expect(host.ownNetworkNamespace).toBe(true)
    expect(host.interfaces).toEqual([])
    expect(host.ownMountNamespace).toBe(true)
    expect(host.ownPidNamespace).toBe(true)
    expect(host.ownUserNamespace).toBe(expected.ownUserNamespace)

    const known = (target: string) => expected.mounts.find((mount) => mount.target.test(target))
    expect(host.mounts.filter((mount) => !known(mount.target))).toEqual([])
    expect(host.mounts.filter((mount) => !mount.readOnly && !known(mount.target)?.writable)).toEqual([])

    expect(host.cgroup.memoryMaxBytes).toBeGreaterThanOrEqual(spec.memoryBytes)
    expect(host.cgroup.memoryMaxBytes).toBeLessThan(spec.memoryBytes + 512 * MiB)
    expect(host.cgroup.cpuMax).toBe(spec.cpus)
    expect(host.cgroup.pidsMax).toBeLessThan(2000)

    const files = host.descriptors.filter(({ target }) => target.startsWith('/') && target !== '/dev/null')
    const matches = (patterns: readonly RegExp[]) => (file: { target: string }) =>
      patterns.some((one) => one.test(file.target))
    expect(files.filter((file) => !matches(expected.files)(file))).toEqual([])
    expect(files.filter((file) => file.writable && !matches(expected.writableFiles)(file))).toEqual([])
    await checkProcesses(kernel)
    return host
  }

  const checkProcesses = async (kernel: RunningKernel) => {
    const all = await confinedProcesses(kernel, bench().places.cgroupRoot)
    const found = all.map((one) => ({
      one,
      known: expected.processes.find(({ command }) => command.test(one.command)),
    }))
    expect(found.filter(({ known }) => !known).map(({ one }) => one.command)).toEqual([])
    expect(expected.processes.filter((each) => !found.some(({ known }) => known === each))).toEqual([])
    for (const { one, known } of found) {
      const ids = Array(4)
        .fill(known?.root ? 0 : kernel.handle.spec.uid)
        .join('\t')
      const seen = {
        ...Object.fromEntries(
          ['Uid', 'Gid', 'Groups', 'NoNewPrivs', 'Seccomp'].map((name) => [name, one.status(name)])
        ),
        inCgroup: one.inCgroup,
      }
      expect(seen, one.command).toEqual({
        Uid: [ids],
        Gid: [ids],
        Groups: [''],
        NoNewPrivs: ['1'],
        Seccomp: [known?.unfiltered ? '0' : '2'],
        inCgroup: !known?.outside,
      })
      if (known?.capabilities) expect(one.ownUserNamespace, one.command).toBe(true)
      else for (const set of ['CapInh', 'CapPrm', 'CapEff']) expect(one.status(set), one.command).toEqual([none])
    }
  }

  describe('posture, as the host sees it', () => {
    it('holds for a booted kernel', async () => {
      await using kernel = await bench().runtime.boot(await bench().spec(), deadline())
      await check(kernel)
    })

    it('holds for a clone, which has nothing of its template open for writing', async () => {
      const origin = await bench().runtime.boot(await bench().spec(), deadline())
      const snapshot = await origin.snapshot(await bench().emptyFolder(), deadline())
      await origin.stop({ graceMs: 0 })
      await using clone = await bench().runtime.restore(snapshot, await bench().spec(), deadline())
      const host = await check(clone)
      const ofSnapshot = host.mounts.filter((mount) => mount.source.includes(snapshot.directory))
      expect(ofSnapshot.filter((mount) => !mount.readOnly)).toEqual([])
    })
  })
}
