import type { HostWitness, InsideView } from '@bulkhead/wire'
import { describe, expect, it } from 'vitest'
import { judge } from './judge.ts'
import { withoutRoot } from './missing.ts'
import type { Testimony } from './testimony.ts'

const hostBootId = '11111111-1111-4111-8111-111111111111'
const guestBootId = '22222222-2222-4222-8222-222222222222'

const host: HostWitness = {
  runtime: 'gvisor',
  isolation: 'userspace',
  pid: 42,
  executable: '/opt/bulkhead/runsc',
  uid: 70_001,
  gid: 70_001,
  seccomp: 2,
  noNewPrivs: true,
  capabilities: [],
  ownUserNamespace: true,
  ownNetworkNamespace: true,
  ownMountNamespace: true,
  ownPidNamespace: true,
  interfaces: [],
  mounts: [{ target: '/', source: 'runsc-root', type: 'tmpfs', readOnly: true, sharedWithHost: false }],
  cgroup: { memoryMaxBytes: 2 ** 29, cpuMax: 1, pidsMax: 1000 },
  descriptors: [
    { fd: 0, target: '/dev/null', writable: true },
    { fd: 3, target: '/srv/images/root.erofs', writable: false },
    { fd: 4, target: '/srv/state/sb-1/runsc-filestore-1 (deleted)', writable: true },
    { fd: 5, target: '/memfd:runsc-memory (deleted)', writable: true },
    { fd: 6, target: 'socket:[7]', writable: true },
  ],
  missing: [],
}
const inside: InsideView = {
  nonce: 'n',
  bootId: guestBootId,
  kernelRelease: '4.19.0-gvisor',
  kernelVersion: '#1',
  hostname: 'sb-1',
  machineId: '0'.repeat(32),
  uptimeMs: 1,
  wallClock: '2026-01-01T00:00:00.000Z',
}
const testimony = (over: Partial<Testimony> = {}): Testimony => ({
  hostBootId,
  hostKernelRelease: '6.12.1-amd64',
  host,
  inside,
  nonce: 'n',
  others: [{ id: 'sb-2', uid: 70_002, bootId: '33333333-3333-4333-8333-333333333333' }],
  ownDirectories: ['/srv/state/sb-1'],
  ...over,
})
const failed = (over: Partial<Testimony>): string[] =>
  judge(testimony(over))
    .checks.filter((check) => !check.held)
    .map((check) => check.name)

describe('judge', () => {
  it('is proven when all holds, and shows every check', () => {
    const verdict = judge(testimony())
    expect(verdict.checks.filter((check) => !check.held)).toEqual([])
    expect(verdict.outcome).toBe('proven')
    expect(verdict.checks.every((check) => check.detail !== '')).toBe(true)
  })

  it('is unknown when the inside is silent, and still violated when the host sees what must not be', () => {
    const { inside: _, ...silent } = testimony()
    expect(judge(silent).outcome).toBe('unknown')
    expect(judge({ ...silent, host: { ...host, seccomp: 0 } }).outcome).toBe('violated')
  })

  const onHost: [string, Partial<HostWitness>, string][] = [
    ['another program', { executable: '/usr/sbin/runc' }, 'kernel process'],
    ['a program that may not be read', { executable: '' }, 'kernel process'],
    ['gVisor as hardware', { isolation: 'hardware' }, 'isolation class'],
    ['root', { uid: 0 }, 'own uid'],
    ["root's group", { gid: 0 }, 'own uid'],
    ["another kernel's uid", { uid: 70_002 }, 'own uid'],
    ['capabilities on the host', { capabilities: ['CAP_SYS_ADMIN'], ownUserNamespace: false }, 'no capabilities'],
    ['new privileges', { noNewPrivs: false }, 'no new privileges'],
    ['no filter', { seccomp: 0 }, 'system call filter'],
    ['strict mode, which is no filter', { seccomp: 1 }, 'system call filter'],
    ["the host's pids", { ownPidNamespace: false }, 'own process namespace'],
    ["the host's network", { ownNetworkNamespace: false }, 'own network namespace'],
    ['an interface', { interfaces: ['eth0'] }, 'no network interface'],
    ['interfaces that may not be read', { missing: ['interfaces: may not be read'] }, 'no network interface'],
    [
      'a writable folder of the host',
      { mounts: [{ target: '/x', source: '/dev/vda[/etc/x]', type: 'ext4', readOnly: false, sharedWithHost: true }] },
      'no host folder writable',
    ],
    [
      "the host's tmpfs",
      { mounts: [{ target: '/run', source: 'tmpfs', type: 'tmpfs', readOnly: false, sharedWithHost: true }] },
      'no host folder writable',
    ],
    ['mounts that may not be read', { missing: ['mounts: may not be read'] }, 'no host folder writable'],
    [
      'a host file',
      { descriptors: [{ fd: 9, target: '/etc/passwd', writable: true }] },
      'no host file open for writing',
    ],
    [
      "another kernel's state",
      { descriptors: [{ fd: 9, target: '/srv/state/sb-11/disk', writable: true }] },
      'no host file open for writing',
    ],
    ['a raw disk', { descriptors: [{ fd: 9, target: '/dev/vda', writable: true }] }, 'no host file open for writing'],
    ['no memory limit', { cgroup: { cpuMax: 1, pidsMax: 1 } }, 'memory limit'],
    ['no cpu limit', { cgroup: { memoryMaxBytes: 1, pidsMax: 1 } }, 'cpu limit'],
    ['no process limit', { cgroup: { memoryMaxBytes: 1, cpuMax: 1 } }, 'process limit'],
  ]
  it.each(onHost)('fails on %s', (_, over, name) => {
    expect(failed({ host: { ...host, ...over } })).toEqual([name])
    expect(judge(testimony({ host: { ...host, ...over } })).outcome).toBe('violated')
  })

  it('fails on any uid or gid but the one it was started with', () => {
    expect(failed({ expectedUid: 70_001 })).toEqual([])
    expect(failed({ expectedUid: 70_003 })).toEqual(['own uid'])
    expect(failed({ expectedUid: 70_001, host: { ...host, gid: 70_003 } })).toEqual(['own uid'])
  })

  it("fails on the host's mount namespace, and on what that shows", () => {
    expect(failed({ host: { ...host, ownMountNamespace: false } })).toEqual([
      'own mount namespace',
      'no host folder writable',
    ])
  })

  const fromInside: [string, Partial<InsideView>, string][] = [
    ['a stale answer', { nonce: 'old' }, 'answer is fresh'],
    ["the host's boot id", { bootId: hostBootId }, "boot id is not the host's"],
    ['no boot id', { bootId: '' }, "boot id is not the host's"],
    ["another kernel's boot id", { bootId: '33333333-3333-4333-8333-333333333333' }, "boot id is no other kernel's"],
    ["the host's kernel", { kernelRelease: '6.12.1-amd64' }, "kernel is not the host's"],
    ['no kernel', { kernelRelease: '' }, "kernel is not the host's"],
  ]
  it.each(fromInside)('fails on %s', (_, over, name) => {
    expect(failed({ inside: { ...inside, ...over } })).toEqual([name])
  })

  it('takes no answer for fresh when nothing was asked', () => {
    const { nonce: _, ...unasked } = testimony({ inside: { ...inside, nonce: '' } })
    expect(judge(unasked).outcome).toBe('violated')
  })

  it('lets a QEMU guest run the release the host runs: its boot id tells them apart', () => {
    const qemu = { ...host, runtime: 'qemu', isolation: 'emulated', executable: '/usr/bin/qemu-system-x86_64' } as const
    expect(failed({ host: qemu, inside: { ...inside, kernelRelease: '6.12.1-amd64' } })).toEqual([])
  })

  it('takes QEMU for hardware only with /dev/kvm open', () => {
    const qemu = { ...host, runtime: 'qemu', isolation: 'hardware', executable: '/usr/bin/qemu-system-x86_64' } as const
    const kvm = { fd: 8, target: '/dev/kvm', writable: true }
    expect(failed({ host: qemu })).toEqual(['isolation class'])
    expect(failed({ host: { ...qemu, descriptors: [kvm] } })).toEqual([])
    expect(failed({ host: { ...qemu, isolation: 'emulated', descriptors: [kvm] } })).toEqual(['isolation class'])
  })

  it('lets it write where it is at home, through a bind mount too', () => {
    const home = {
      target: '/out',
      source: '/dev/vdb[/state/sb-1]',
      type: 'ext4',
      readOnly: false,
      sharedWithHost: true,
    }
    expect(failed({ host: { ...host, mounts: [home] } })).toEqual([])
    expect(failed({ host: { ...host, mounts: [{ ...home, source: '/dev/vdb[/sb-1]' }] } })).toEqual([
      'no host folder writable',
    ])
  })

  it('excuses only what a user without root cannot give, and only when it is listed so', () => {
    const limitless = { ...host, cgroup: {} }
    const excuses = (['memory limit', 'cpu limit', 'process limit'] as const).map(withoutRoot)
    expect(failed({ host: { ...limitless, missing: excuses } })).toEqual([])
    const others = ['memory limit: no cgroup controller', 'cpu limit', 'process limit: none']
    expect(failed({ host: { ...limitless, missing: others } })).toEqual(['memory limit', 'cpu limit', 'process limit'])
    expect(failed({ host: { ...host, seccomp: 0, missing: ['system call filter: not started as root'] } })).toEqual([
      'system call filter',
    ])
  })

  it('shows what the inside says without its control characters', () => {
    const { checks } = judge(testimony({ inside: { ...inside, kernelRelease: '\u001b[2J\nboo'.repeat(100) } }))
    const detail = checks.at(-1)?.detail ?? ''
    expect(detail).not.toMatch(/\p{Cc}/u)
    expect(detail.length).toBeLessThan(1000)
  })
})
