import type { MachineRow } from './machine-table.ts'

/** The name the guest agent looks for below /sys/class/virtio-ports. */
export const channelPortName = 'dev.bulkhead.channel'
/** What the serial line's last words are kept in: inside QEMU, so that a guest that floods it fills nobody's disk. */
export const serialRingBytes = 64 * 1024

const MiB = 1024 * 1024
/** The translated code of an emulated kernel; QEMU's default of 1 GiB would make the memory limit meaningless. */
const translationBufferMiB = 192
const hostThreads = {
  /** QEMU's own pool for disk I/O. */ pool: 64,
  /** Main loop, call_rcu, signal and migration threads, the sandbox tool. */ other: 16,
}

/** Descriptors QEMU inherits, by number. */
export const inherited = { status: 3, monitor: 4, monitorListener: 5, channelListener: 6, accelerator: 7 } as const

/** Paths as QEMU sees them in its own file system. */
export const inside = {
  kernel: '/in/kernel',
  initrd: '/in/initrd',
  root: '/in/root',
  /** A snapshot's memory and device state. */
  memory: '/in/memory',
  state: '/in/state',
  /** The read-only layers below the disk, lowest first. */
  layer: (index: number) => `/in/disk.${index}`,
  disk: '/out/disk',
  /** Where a snapshot of it is written to. */
  snapshot: '/out/snapshot',
} as const

export interface QemuPlan {
  readonly row: MachineRow
  readonly accelerator: 'kvm' | 'hvf' | 'tcg'
  readonly memoryBytes: number
  readonly cpus: number
  /**
   * `boot`: from the kernel, with the key of the first handshake. `restore`: from a snapshot's memory and state, paused.
   * `merge`: as `restore`, but the memory comes in the stream and goes to a file that is shared.
   */
  readonly start:
    | { readonly kind: 'boot'; readonly bootKey: string }
    | { readonly kind: 'restore' }
    | { readonly kind: 'merge' }
  /** Formats of the layers below the disk, lowest first; the disk itself is qcow2 on top of them. Empty: no disks at all. */
  readonly layers: readonly ('raw' | 'qcow2')[]
}

/** The whole command line of QEMU after the program. Every file is named by where QEMU sees it ({@link inside}); nothing here is a secret that lasts. */
export function qemuArguments(plan: QemuPlan): string[] {
  const { row, start } = plan
  return [
    '-name',
    'bulkhead',
    ...['-machine', `${row.machine},memory-backend=ram0`],
    ...accelerator(plan),
    ...['-cpu', plan.accelerator === 'tcg' ? row.cpu.emulated : row.cpu.hardware],
    ...['-smp', String(plan.cpus)],
    ...['-m', `${plan.memoryBytes / MiB}M`],
    ...['-object', memory(plan)],
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    // After its end QEMU waits, stopped, until it has been asked how it ended: by this server or the next one.
    ...['-action', 'reboot=shutdown,shutdown=pause,panic=pause,watchdog=pause'],
    ...['-kernel', inside.kernel, '-initrd', inside.initrd],
    ...['-append', kernelCommandLine(plan)],
    ...monitors(),
    ...['-chardev', `ringbuf,id=serial,size=${serialRingBytes}`, '-serial', 'chardev:serial'],
    ...['-device', 'virtio-serial-pci,id=serial0,max_ports=2'],
    ...['-chardev', `socket,id=channel,fd=${inherited.channelListener},server=on,wait=off`],
    ...['-device', `virtserialport,bus=serial0.0,nr=1,chardev=channel,name=${channelPortName}`],
    ...['-object', 'rng-builtin,id=rng0', '-device', 'virtio-rng-pci,rng=rng0'],
    ...disks(plan),
    ...row.devices.flatMap((device) => ['-device', device]),
    ...(start.kind === 'boot' ? [] : ['-S', '-incoming', 'defer']),
  ]
}

/** Host memory, threads and processor time that a plan may use at most: the limits of its cgroup. */
export function qemuLimits(plan: Pick<QemuPlan, 'memoryBytes' | 'cpus' | 'accelerator'>) {
  const overheadBytes = (plan.accelerator === 'tcg' ? translationBufferMiB + 128 : 128) * MiB
  return {
    memoryBytes: plan.memoryBytes + overheadBytes,
    cpus: plan.cpus,
    pids: plan.cpus + hostThreads.pool + hostThreads.other,
  }
}

/** QEMU's RAM comes in whole MiB. */
export const wholeMiB = (bytes: number): number => Math.ceil(bytes / MiB) * MiB

function accelerator({ accelerator, row }: QemuPlan): string[] {
  if (accelerator === 'tcg') return ['-accel', `tcg,thread=multi,tb-size=${translationBufferMiB}`]
  if (row.hardware?.device === undefined) return ['-accel', accelerator]
  // The device is root's, and QEMU is not: it gets it opened.
  const fd = inherited.accelerator
  return ['-add-fd', `fd=${fd},set=${fd}`, '-accel', `${accelerator},device=/dev/fdset/${fd}`]
}

function memory(plan: QemuPlan): string {
  const size = `id=ram0,size=${plan.memoryBytes},dump=off`
  switch (plan.start.kind) {
    case 'boot':
      return `memory-backend-ram,${size}`
    case 'restore':
      // Opened read-only and mapped privately: what this guest writes stays its own, and a broken-out QEMU cannot write to the file.
      return `memory-backend-file,${size},mem-path=${inside.memory},share=off,readonly=on,rom=off`
    case 'merge':
      return `memory-backend-file,${size},mem-path=${inside.memory},share=on`
  }
}

function kernelCommandLine({ row, accelerator, start }: QemuPlan): string {
  const own = ['quiet', 'panic=-1', 'rdinit=/init']
  const emulated = accelerator === 'tcg' ? row.emulatedKernelArguments : []
  return [
    ...row.kernelArguments,
    ...emulated,
    ...own,
    ...(start.kind === 'boot' ? [`bulkhead.key=${start.bootKey}`] : []),
  ].join(' ')
}

/** One monitor on a connection that is there from the start (its greeting says that all sockets listen), one for later. */
function monitors(): string[] {
  return [
    ...['-chardev', `socket,id=monitor0,fd=${inherited.monitor}`, '-mon', 'chardev=monitor0,mode=control'],
    ...['-chardev', `socket,id=monitor1,fd=${inherited.monitorListener},server=on,wait=off`],
    ...['-mon', 'chardev=monitor1,mode=control'],
  ]
}

function disks(plan: QemuPlan): string[] {
  if (plan.layers.length === 0) return []
  const node = (description: Readonly<Record<string, unknown>>) => ['-blockdev', JSON.stringify(description)]
  const readOnlyFile = (filename: string) => ({ driver: 'file', filename, 'read-only': true, locking: 'off' })
  const layers = plan.layers.flatMap((driver, index) =>
    node({
      driver,
      'node-name': `layer${index}`,
      'read-only': true,
      file: readOnlyFile(inside.layer(index)),
      ...(driver === 'qcow2' ? { backing: index > 0 ? `layer${index - 1}` : null } : {}),
    })
  )
  return [
    ...node({ driver: 'raw', 'node-name': 'root', 'read-only': true, file: readOnlyFile(inside.root) }),
    ...['-device', 'virtio-blk-pci,drive=root,serial=root'],
    ...layers,
    ...node({
      driver: 'qcow2',
      'node-name': 'disk',
      file: { driver: 'file', filename: inside.disk, locking: 'off' },
      backing: `layer${plan.layers.length - 1}`,
      discard: 'unmap',
      'detect-zeroes': 'unmap',
    }),
    // A full host disk is an I/O error for this guest, at once: it neither hangs nor waits for others to make room.
    ...['-device', 'virtio-blk-pci,drive=disk,serial=disk,werror=report,rerror=report,discard=on'],
  ]
}
