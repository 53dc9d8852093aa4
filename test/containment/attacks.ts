import { expect } from 'vitest'
import type { Attacked } from './attacked.ts'
import { SwappedLink } from './swapped-link.ts'

const MiB = 1024 * 1024
export type Runtime = 'gvisor' | 'qemu'

/**
 * What a workload with root in its own kernel tries. Each must end as an event in that one compartment; `proof` asserts for each kernel that
 * it did take effect there, or why the kernel refused it: an attack that does nothing shows nothing.
 */
export interface Attack {
  readonly name: string
  /** Of guest/, run by Python as root. It ends by itself, or the guest does. */
  readonly program: string
  readonly proof: Readonly<Record<Runtime, (attacked: Attacked) => Promise<void>>>
  /** What the host does meanwhile, for attacks on what crosses the channel. It ends with the program. */
  readonly meanwhile?: (attacked: Attacked) => Promise<void>
  /** 256 MiB each if absent. */
  readonly memoryBytes?: Readonly<Record<Runtime, number>>
  readonly diskBytes?: number
}

const endedAs = (reason: RegExp) => async (attacked: Attacked) => {
  expect(await attacked.failure()).toMatch(reason)
}

const noSpaceLeft = async (attacked: Attacked) => {
  expect(attacked.number('/var/tmp/filler written')).toBeGreaterThan(200 * MiB)
  expect(attacked.said).toMatch(/^\/var\/tmp\/filler .* errno=28$/m) // ENOSPC
  expect(attacked.said).toMatch(/^\/root\/filler .* errno=28$/m)
}

/** The session is lost, and only that: the next one is made once the garbage is through. */
const garbageInTheChannel = (channel: RegExp) => async (attacked: Attacked) => {
  const mark = await attacked.ask('cat /var/tmp/mark')
  expect(mark).toMatch(channel)
  expect(mark).toMatch(/ written=2097152\nend\n$/)
}

const listed = (atLeast: number) => async (attacked: Attacked) => {
  expect(attacked.said).toContain('end\n')
  expect(attacked.number('files')).toBeGreaterThanOrEqual(atLeast)
  expect(await attacked.sandbox.files.list('/var/tmp/many/0')).toHaveLength(1000)
}

export const attacks: readonly Attack[] = [
  {
    name: 'fork bomb',
    program: 'fork_bomb.py',
    proof: {
      // The sentry answers for all of them from one memory, and that is full first.
      gvisor: async (attacked) => {
        expect(attacked.number('processes')).toBeGreaterThan(0)
        expect(await attacked.failure()).toMatch(/^out of memory/)
      },
      // Emulated it reaches no limit: the bomb is the load.
      qemu: async (attacked) => expect(attacked.number('processes')).toBeGreaterThan(100),
    },
  },
  {
    name: 'memory hog',
    program: 'memory_hog.py',
    proof: {
      // The host's kernel ends the process that holds the hog's pages; the sentry and the sandbox live on.
      gvisor: async (attacked) => {
        expect(attacked.number('held')).toBeGreaterThan(128)
        expect(attacked.exit).toMatchObject({ kind: 'signalled', signal: 'SIGKILL' })
        expect(await attacked.outOfMemoryKills()).toBeGreaterThan(0)
      },
      // Its own kernel does; the host sees nothing of it.
      qemu: async (attacked) => {
        expect(attacked.number('held')).toBeGreaterThan(64)
        expect(attacked.exit).toMatchObject({ kind: 'signalled', signal: 'SIGKILL' })
        expect(await attacked.ask('dmesg')).toMatch(/Out of memory: Killed process \d+ \(python3\)/)
        expect(await attacked.outOfMemoryKills()).toBe(0)
      },
    },
  },
  { name: 'disk filler', program: 'disk_filler.py', proof: { gvisor: noSpaceLeft, qemu: noSpaceLeft } },
  {
    name: 'log flood',
    program: 'log_flood.py',
    proof: {
      gvisor: async (attacked) => {
        // The sentry has no console and no log of its kernel that could be written to.
        for (const place of ['/dev/console', '/dev/kmsg', '/dev/ttyS0'])
          expect(attacked.said).toContain(`${place} written=0 errno=2\n`)
        for (const place of ['/proc/1/fd/1', '/proc/1/fd/2', '/proc/self/fd/2'])
          expect(attacked.number(`${place} written`)).toBeGreaterThan(MiB)
      },
      qemu: async (attacked) => {
        expect(attacked.number('/dev/kmsg written')).toBeGreaterThan(MiB / 2)
        expect(attacked.number('/proc/self/fd/2 written')).toBeGreaterThan(MiB)
        // All of these are the serial line, where each byte is an exit of the virtual machine.
        for (const place of ['/dev/console', '/dev/ttyS0', '/proc/1/fd/1', '/proc/1/fd/2'])
          expect(attacked.number(`${place} written`)).toBeGreaterThan(10_000)
      },
    },
  },
  {
    name: 'kernel panic',
    program: 'panic.py',
    proof: {
      // There is no such switch in the sentry, and its /proc takes no new file; the trigger is there and triggers nothing.
      gvisor: async (attacked) => {
        expect(attacked.said).toMatch(/^\/proc\/sys\/kernel\/sysrq errno=1\n\/proc\/sysrq-trigger (taken|errno=\d+)\n$/)
        expect(await attacked.ask('echo alive')).toBe('alive\n')
      },
      qemu: endedAs(/^the guest kernel panicked: .*sysrq triggered crash/),
    },
  },
  {
    name: 'the agent killed',
    program: 'kill_agent.py',
    // Linux keeps SIGKILL from its first process, but not a SIGSEGV that it handles; the sentry keeps nothing from it.
    proof: {
      gvisor: endedAs(/first process, was ended by signal 9/),
      qemu: endedAs(/panicked: .*Attempted to kill init/),
    },
  },
  {
    name: 'the agent overwritten',
    program: 'overwrite_agent.py',
    proof: { gvisor: endedAs(/^the guest kernel panicked/), qemu: endedAs(/^the guest kernel panicked/) },
  },
  {
    name: 'garbage into the channel',
    program: 'garbage.py',
    proof: { gvisor: garbageInTheChannel(/^host:/), qemu: garbageInTheChannel(/^\/dev\/vport/) },
  },
  {
    name: 'a symlink swapped under an upload and a download',
    program: 'swap.py',
    meanwhile: async (attacked) => {
      await using swapped = await SwappedLink.open(attacked.sandbox)
      // At least so often, and for as long as it is swapped.
      for (let round = 0; round < 20 || !attacked.over; round++) await swapped.upAndDown(round)
      await swapped.check()
    },
    proof: {
      gvisor: async (attacked) => expect(attacked.number('swaps')).toBeGreaterThan(1000),
      qemu: async (attacked) => expect(attacked.number('swaps')).toBeGreaterThan(1000),
    },
  },
  {
    name: 'a million files',
    program: 'many_files.py',
    // The sentry keeps each in its memory.
    memoryBytes: { gvisor: 3072 * MiB, qemu: 256 * MiB },
    diskBytes: 4096 * MiB,
    // Emulated there is time for some only; its disk has room for a million.
    proof: {
      gvisor: listed(1_000_000),
      qemu: async (attacked) => {
        await listed(10_000)(attacked)
        expect(Number(await attacked.ask('df --output=itotal /var/tmp | tail -1'))).toBeGreaterThan(1_000_000)
      },
    },
  },
  {
    name: 'reading and writing physical memory and raw devices',
    program: 'devices.py',
    proof: {
      gvisor: async (attacked) => {
        // None is there (ENOENT), and no driver answers for a number (ENXIO).
        const lines = attacked.said.trimEnd().split('\n')
        expect(lines).toHaveLength(18)
        for (const line of lines) expect(line).toMatch(/^\/dev\/evil .* bytes=0 errno=6$|^\/.* bytes=0 errno=2$/)
      },
      qemu: async (attacked) => {
        // The first MiB is the machine's firmware area, of the guest alone; beyond it CONFIG_STRICT_DEVMEM refuses.
        expect(attacked.number('/dev/mem read bytes')).toBe(MiB)
        for (const absent of ['/dev/kmem', '/dev/port', '/dev/sda', '/dev/kvm'])
          expect(attacked.said).toContain(`${absent} read bytes=0 errno=2\n${absent} write bytes=0 errno=2\n`)
        expect(attacked.said).toMatch(/^\/proc\/kcore write bytes=0 errno=5$/m)
        // The root image, shared by all guests, by both names: the device is read-only.
        for (const root of ['/dev/vda', '/dev/evil']) {
          expect(attacked.number(`${root} read bytes`)).toBe(MiB)
          expect(attacked.said).toMatch(new RegExp(`^${root} write bytes=0 errno=1$`, 'm'))
        }
        // Its own disk is its own to destroy.
        expect(attacked.number('/dev/vdb write bytes')).toBe(MiB)
      },
    },
  },
]
