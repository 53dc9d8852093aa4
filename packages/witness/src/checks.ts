import type { HostWitness } from '@bulkhead/wire'
import type { InsideTestimony, Testimony } from './testimony.ts'

interface Finding {
  readonly held: boolean
  /** What was seen, in one line. */
  readonly detail: string
}

interface Check {
  readonly name: string
  /** `inside` checks are made only when the inside has spoken. */
  readonly subject: 'host' | 'inside'
  readonly look: (testimony: Testimony) => Finding
}

/** File systems a process makes for itself: writing to one that the host has not mounted reaches nobody. */
const privateTypes = new Set(['tmpfs', 'proc', 'devpts', 'mqueue'])
const executables = { gvisor: /(^|\/)runsc[^/]*$/, qemu: /(^|\/)qemu-system-[^/]+$/ } as const

const onHost = (name: string, look: (host: HostWitness, testimony: Testimony) => Finding): Check => ({
  name,
  subject: 'host',
  look: (testimony) => look(testimony.host, testimony),
})

/** What the inside says, in the order in which it is shown. */
export const insideTable: readonly { readonly name: string; readonly look: (testimony: InsideTestimony) => Finding }[] =
  [
    {
      name: 'answer is fresh',
      look: ({ inside, nonce }) => ({
        held: nonce !== undefined && nonce !== '' && inside?.nonce === nonce,
        detail: inside?.nonce === nonce ? 'the inside repeated the nonce' : 'the inside did not repeat the nonce',
      }),
    },
    {
      name: "boot id is not the host's",
      look: ({ inside, hostBootId }) => ({
        held: isUuid(inside?.bootId) && inside?.bootId !== hostBootId,
        detail: `inside ${shown(inside?.bootId)}, host ${hostBootId}`,
      }),
    },
    {
      name: "boot id is no other kernel's",
      look: ({ inside, others }) => {
        const twin = others.find((other) => other.bootId !== undefined && other.bootId === inside?.bootId)
        return {
          held: twin === undefined,
          detail: twin ? `the same as that of ${twin.id}` : `compared with ${others.length} others`,
        }
      },
    },
    { name: "kernel is not the host's", look: kernelRelease },
  ]

/** Every promise about a running kernel, in the order in which they are shown. */
export const checks: readonly Check[] = [
  onHost('kernel process', ({ runtime, executable, pid }) => ({
    held: executables[runtime].test(executable),
    detail: `process ${pid} runs ${executable || 'an unreadable file'}, which ${runtime} should be`,
  })),
  onHost('isolation class', isolationClass),
  onHost('own uid', ownUid),
  onHost('no capabilities', ({ capabilities, ownUserNamespace }) => ({
    held: capabilities.length === 0 || ownUserNamespace,
    detail:
      capabilities.length === 0
        ? 'none'
        : `${capabilities.join(', ')}; they count ${ownUserNamespace ? 'in its own user namespace only' : 'on the host'}`,
  })),
  onHost('no new privileges', ({ noNewPrivs }) => ({ held: noNewPrivs, detail: noNewPrivs ? 'set' : 'not set' })),
  onHost('system call filter', ({ seccomp }) => ({
    held: seccomp === 2,
    detail: seccomp === 2 ? 'seccomp filter in force' : `seccomp mode ${seccomp}, not a filter`,
  })),
  onHost('own mount namespace', ({ ownMountNamespace }) => namespace(ownMountNamespace)),
  onHost('own process namespace', ({ ownPidNamespace }) => namespace(ownPidNamespace)),
  onHost('own network namespace', ({ ownNetworkNamespace }) => namespace(ownNetworkNamespace)),
  onHost('no network interface', ({ interfaces, missing }) => {
    const unread = missing.some((entry) => entry.startsWith('interfaces:'))
    return {
      held: interfaces.length === 0 && !unread,
      detail: unread ? 'could not be read' : interfaces.join(', ') || 'none',
    }
  }),
  onHost('no host folder writable', noHostFolder),
  onHost('no host file open for writing', noHostFile),
  onHost('memory limit', ({ cgroup }) => limit(cgroup.memoryMaxBytes, 'bytes')),
  onHost('cpu limit', ({ cgroup }) => limit(cgroup.cpuMax, 'processors')),
  onHost('process limit', ({ cgroup }) => limit(cgroup.pidsMax, 'processes')),
  ...insideTable.map(
    ({ name, look }): Check => ({
      name,
      subject: 'inside',
      look: (testimony) => look({ ...testimony, runtime: testimony.host.runtime }),
    })
  ),
]

function isolationClass({ runtime, isolation, descriptors }: HostWitness): Finding {
  const accelerated = descriptors.some((descriptor) => descriptor.target === '/dev/kvm')
  if (runtime === 'gvisor') return { held: isolation === 'userspace', detail: `gVisor, said to be ${isolation}` }
  if (isolation === 'userspace') return { held: false, detail: 'QEMU is never of the class userspace' }
  if (process.platform !== 'linux')
    return { held: true, detail: `${isolation}; the accelerator shows in no descriptor here` }
  return {
    held: accelerated === (isolation === 'hardware'),
    detail: `${isolation}; /dev/kvm is ${accelerated ? '' : 'not '}open`,
  }
}

function ownUid({ uid, gid }: HostWitness, { others, expectedUid }: Testimony): Finding {
  if (expectedUid !== undefined && (uid !== expectedUid || gid !== expectedUid))
    return { held: false, detail: `uid ${uid}, gid ${gid}; both were to be ${expectedUid}` }
  const twin = others.find((other) => other.uid === uid)
  if (twin) return { held: false, detail: `uid ${uid} is also that of ${twin.id}` }
  return { held: uid !== 0 && gid !== 0, detail: `uid ${uid}, gid ${gid}` }
}

const namespace = (own: boolean): Finding => ({ held: own, detail: own ? 'its own' : "the host's" })

const limit = (value: number | undefined, unit: string): Finding => ({
  held: value !== undefined,
  detail: value === undefined ? 'none' : `${value} ${unit}`,
})

function noHostFolder(
  { mounts, missing, ownMountNamespace }: HostWitness,
  { ownDirectories = [] }: Testimony
): Finding {
  if (missing.some((entry) => entry.startsWith('mounts:')))
    return { held: false, detail: 'the mounts could not be read' }
  if (!ownMountNamespace) return { held: false, detail: "it sees the host's mounts" }
  const foreign = mounts.filter(
    ({ readOnly, sharedWithHost, type, source }) =>
      !readOnly && (sharedWithHost || !privateTypes.has(type)) && !mountsOwnDirectory(source, ownDirectories)
  )
  return {
    held: foreign.length === 0,
    detail:
      foreign.map(({ target, source }) => `${target} (${source})`).join(', ') ||
      `${mounts.length} mounts, none of them`,
  }
}

/**
 * Whether a mount shows one of these folders or something below it. A bind mount tells the path within its file system, which is the end of
 * the path on the host (all of it where `/` is the same file system). At least two components must agree: `/x` alone is the end of too much.
 */
function mountsOwnDirectory(source: string, ownDirectories: readonly string[]): boolean {
  const root = /\[(\/[^\]]+\/[^\]]+)\]$/.exec(source)?.[1]
  return root !== undefined && ownDirectories.some((directory) => endsOf(directory).some((end) => isWithin(root, end)))
}

/** `/a/b/c`: itself, `/b/c`; not `/c`. */
function endsOf(path: string): string[] {
  const names = path.split('/').slice(1)
  return names.slice(0, -1).map((_, index) => `/${names.slice(index).join('/')}`)
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

/** The path of a descriptor is one in the process's own view: what it is on the host, the mount it lies in tells. */
function isOwnFile(target: string, { mounts }: HostWitness, ownDirectories: readonly string[]): boolean {
  const mount = mounts
    .filter((candidate) => isWithin(target, candidate.target))
    .reduce<HostWitness['mounts'][number] | undefined>(
      (deepest, candidate) => (candidate.target.length >= (deepest?.target.length ?? 0) ? candidate : deepest),
      undefined
    )
  return mount !== undefined && mountsOwnDirectory(mount.source, ownDirectories)
}

/** Character devices that give no access to anybody's data. */
const harmlessDevices = new Set(['/dev/null', '/dev/zero', '/dev/kvm', '/dev/urandom', '/dev/random'])

function noHostFile(host: HostWitness, { ownDirectories = [] }: Testimony): Finding {
  const { descriptors, missing } = host
  if (missing.some((entry) => entry.startsWith('descriptors:')))
    return { held: false, detail: 'the descriptors could not be read' }
  const foreign = descriptors.filter(
    ({ target, writable }) =>
      writable &&
      target.startsWith('/') &&
      !target.startsWith('/memfd:') &&
      !harmlessDevices.has(target) &&
      !ownDirectories.some((directory) => isWithin(target, directory)) &&
      !isOwnFile(target, host, ownDirectories)
  )
  return {
    held: foreign.length === 0,
    detail:
      foreign.map(({ fd, target }) => `${fd} is ${target}`).join(', ') ||
      `${descriptors.length} descriptors, none of them`,
  }
}

/** A QEMU guest may well run the very release the host runs: then its boot id alone tells them apart. gVisor's is never a host's. */
function kernelRelease({ inside, hostKernelRelease, runtime }: InsideTestimony): Finding {
  const release = inside?.kernelRelease ?? ''
  return {
    held: release !== '' && (release !== hostKernelRelease || runtime === 'qemu'),
    detail: `inside ${shown(release)}, host ${hostKernelRelease}`,
  }
}

const isUuid = (text: string | undefined) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text ?? '')
/** What the inside says is an attacker's text: bounded, and no control characters. */
const shown = (text: string | undefined) => JSON.stringify((text ?? '').slice(0, 128))
