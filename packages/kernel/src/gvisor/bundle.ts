import type { KernelSpec } from '../contract.ts'

/** Where the guest sees its agent: the one file of the host it sees, read-only. */
const agentInside = '/.bulkhead/agent'

/** Root in the guest has what root on a machine has. It counts inside the sentry alone: on the host the sentry itself has none. */
const capabilities = [
  'CAP_AUDIT_CONTROL',
  'CAP_AUDIT_READ',
  'CAP_AUDIT_WRITE',
  'CAP_BLOCK_SUSPEND',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_KILL',
  'CAP_LEASE',
  'CAP_LINUX_IMMUTABLE',
  'CAP_MAC_ADMIN',
  'CAP_MAC_OVERRIDE',
  'CAP_MKNOD',
  'CAP_NET_ADMIN',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_RAW',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYSLOG',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_CHROOT',
  'CAP_SYS_MODULE',
  'CAP_SYS_NICE',
  'CAP_SYS_PACCT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_WAKE_ALARM',
]

const cpuPeriodUs = 100_000

/** RLIM_INFINITY, 2^64 - 1, which no JavaScript number can be. TypeScript's library does not know `rawJSON` yet. */
const unlimited = (JSON as typeof JSON & { rawJSON(text: string): unknown }).rawJSON('18446744073709551615')

export interface BundleOptions {
  readonly spec: Pick<KernelSpec, 'memoryBytes' | 'cpus' | 'diskBytes' | 'stateDirectory' | 'identity'>
  /** An EROFS image; undefined: an empty root, for the probe. */
  readonly rootImage: string | undefined
  /** The agent's binary on the host. */
  readonly agent: string
  /** An empty folder. */
  readonly emptyRoot: string
  /** The host ids that the guest's root is to the host. */
  readonly uid: number
  readonly gid: number
}

/**
 * The OCI configuration of a kernel, as JSON. The agent comes in as a read-only bind mount of one file, not as an inherited descriptor
 * (`--exec-fd`): a disk-backed overlay needs runsc's file server anyway, and a descriptor does not survive a checkpoint.
 * Source of the annotations: runsc/boot/mount_hints.go.
 */
export function bundleConfig({ spec, rootImage, agent, emptyRoot, uid, gid }: BundleOptions): object {
  return {
    ociVersion: '1.0.0',
    root: { path: emptyRoot },
    hostname: spec.identity.hostname,
    process: {
      user: { uid: 0, gid: 0 },
      args: [agentInside],
      env: [
        `BULKHEAD_CHANNEL_KEY=${spec.identity.channelKey}`,
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ],
      cwd: '/',
      noNewPrivileges: false,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: 1024 * 1024, hard: 1024 * 1024 },
        // Else the guest is told of the limit that is on the sentry itself, and is held to it.
        { type: 'RLIMIT_FSIZE', soft: unlimited, hard: unlimited },
      ],
    },
    // What an image lacks is made by runsc in the writable layer.
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/sys', type: 'sysfs', source: 'sysfs' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/dev/shm', type: 'tmpfs', source: 'tmpfs' },
      { destination: agentInside, type: 'bind', source: agent, options: ['ro', 'bind', 'nosuid', 'nodev'] },
    ],
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
      uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
      // What the guest is shown; the cgroup around it is what limits. See tools/runsc.
      resources: {
        memory: { limit: spec.memoryBytes },
        cpu: { quota: Math.round(spec.cpus * cpuPeriodUs), period: cpuPeriodUs },
      },
    },
    annotations: rootImage === undefined ? {} : imageAnnotations(rootImage, spec),
  }
}

const imageAnnotations = (rootImage: string, spec: BundleOptions['spec']) => ({
  'dev.gvisor.spec.rootfs.source': rootImage,
  'dev.gvisor.spec.rootfs.type': 'erofs',
  'dev.gvisor.spec.rootfs.overlay': `dir=${spec.stateDirectory}`,
  'dev.gvisor.spec.rootfs.options': `size=${spec.diskBytes}`,
})
