import { failure } from '@bulkhead/wire/errors'
import { findProgram, type Host } from './host.ts'
import { isFilled } from './is-filled.ts'
import { askProgram } from './run-command.ts'
import { atLeast, versionIn } from './version.ts'

/** What a program may be needed for. `cluster`: a Kubernetes on this machine; `tests`: only `bulkhead test`. */
export type Purpose = 'sandboxes' | 'cluster' | 'tests'

/** What the host must have, nearly always a program. One table for what `setup` installs, what `doctor` reports and what the installation record names. */
export interface Requirement {
  /** Its name, or its absolute path where no folder of programs has it. */
  readonly program: string
  /** Not a program but this file; then `program` is only its name. */
  readonly file?: string
  /** Debian's and Ubuntu's package that has it. */
  readonly package: string
  /** What it is for; said while it is installed, and what does not work without it. */
  readonly why: string
  /** The lowest version that will do, and how the program is asked for its own. */
  readonly minimum?: { readonly version: string; readonly ask: readonly string[] }
  /** Default: sandboxes. */
  readonly for?: readonly Purpose[]
  /** Debian releases (VERSION_ID) whose own version is too old: there it comes from `<codename>-backports`. */
  readonly backportsOn?: readonly string[]
  /** Debian itself has it always, or does without: it is required on other distributions. */
  readonly offDebian?: true
}

export const requirements: readonly Requirement[] = [
  {
    program: 'qemu-system-x86_64',
    package: 'qemu-system-x86',
    why: 'the runtime qemu: a virtual machine for each sandbox',
    // From 8.2 on a clone can map its template's memory file without being able to write to it.
    minimum: { version: '8.2', ask: ['--version'] },
    backportsOn: ['12'],
  },
  {
    program: 'qemu-img',
    package: 'qemu-utils',
    why: 'disk overlays of the runtime qemu',
    minimum: { version: '8.2', ask: ['--version'] },
    backportsOn: ['12'],
  },
  {
    program: 'go',
    package: 'golang-go',
    why: 'builds the guest agent and gVisor from source',
    for: ['sandboxes', 'cluster'],
    // From 1.21 on Go fetches the exact toolchain that a module asks for.
    minimum: { version: '1.21', ask: ['version'] },
    backportsOn: ['12'],
  },
  { program: 'mkfs.erofs', package: 'erofs-utils', why: 'packs root file systems into read-only images' },
  { program: 'mmdebstrap', package: 'mmdebstrap', why: 'makes the default image from Debian packages' },
  { program: 'bwrap', package: 'bubblewrap', why: 'gives each virtual machine a private view of the file system' },
  { program: 'skopeo', package: 'skopeo', why: 'fetches OCI images' },
  { program: 'umoci', package: 'umoci', why: 'unpacks OCI images' },
  { program: 'mkfs.ext4', package: 'e2fsprogs', why: 'makes the writable disk of a sandbox' },
  { program: 'setpriv', package: 'util-linux', why: 'takes every privilege from a virtual machine before it starts' },
  {
    program: 'flock',
    package: 'util-linux',
    why: 'keeps two set-ups and two servers apart',
    for: ['sandboxes', 'cluster'],
  },
  { program: 'xz', package: 'xz-utils', why: 'unpacks the modules of the guest kernel' },
  {
    program: 'debian-archive-keyring',
    file: '/usr/share/keyrings/debian-archive-keyring.gpg',
    package: 'debian-archive-keyring',
    why: 'the keys of Debian, which images and the guest kernel are made from',
    offDebian: true,
  },
  { program: 'gpg', package: 'gpg', why: 'mmdebstrap reads the keys of Debian with it', offDebian: true },
  { program: 'ip', package: 'iproute2', why: 'makes the networks of a cluster', for: ['cluster'] },
  { program: 'nsenter', package: 'util-linux', why: 'enters the namespaces of a cluster’s machines', for: ['cluster'] },
  { program: 'sysctl', package: 'procps', why: 'lets the machines of a cluster forward packets', for: ['cluster'] },
  { program: 'openssl', package: 'openssl', why: 'signs the certificates of a cluster', for: ['cluster'] },
  { program: 'nft', package: 'nftables', why: 'kube-proxy’s rules', for: ['cluster'] },
  { program: 'iptables', package: 'iptables', why: 'the rules of pods’ host ports', for: ['cluster'] },
  { program: 'runc', package: 'runc', why: 'runs a cluster’s pods without a RuntimeClass', for: ['cluster'] },
  { program: '/usr/lib/cni/ptp', package: 'containernetworking-plugins', why: 'pods’ networks', for: ['cluster'] },
  {
    program: 'busybox',
    package: 'busybox-static',
    why: 'the image that every node of a cluster has',
    for: ['cluster'],
  },
  {
    program: 'docker-registry',
    package: 'docker-registry',
    why: 'a registry for a cluster, and a real one to test against',
    for: ['cluster', 'tests'],
  },
  { program: 'tmux', package: 'tmux', why: 'a real terminal to test against', for: ['tests'] },
  { program: 'strace', package: 'strace', why: 'shows what the launcher starts', for: ['tests'] },
  { program: 'make', package: 'make', why: 'the tests build a C project, on the host for comparison', for: ['tests'] },
  { program: 'gcc', package: 'gcc', why: 'the tests build a C project, on the host for comparison', for: ['tests'] },
]

/** Those that count on this host for these purposes. */
export const requirementsOn = (host: Host, purposes: ReadonlySet<Purpose>): Requirement[] =>
  requirements.filter(
    (entry) =>
      (entry.for ?? ['sandboxes']).some((purpose) => purposes.has(purpose)) &&
      (!entry.offDebian || host.distribution.id !== 'debian')
  )

export type Finding =
  | { readonly state: 'found'; readonly path: string; readonly version?: string }
  | { readonly state: 'missing' }
  | { readonly state: 'too_old'; readonly path: string; readonly version: string }

export async function findRequirement(requirement: Requirement, signal: AbortSignal): Promise<Finding> {
  const path = requirement.file
    ? isFilled(requirement.file)
      ? requirement.file
      : undefined
    : findProgram(requirement.program)
  if (!path) return { state: 'missing' }
  if (!requirement.minimum) return { state: 'found', path }
  const version = versionIn((await askProgram(path, requirement.minimum.ask, signal)) ?? '')
  if (version === undefined) return { state: 'missing' } // there, but it does not even answer
  return atLeast(version, requirement.minimum.version)
    ? { state: 'found', path, version }
    : { state: 'too_old', path, version }
}

/** The path of a required program. Fails `requirement_missing`. */
export async function pathOf(program: string, signal: AbortSignal): Promise<string> {
  const requirement = requirements.find((entry) => entry.program === program)
  if (!requirement) throw new TypeError(`${program} is not in the table of requirements`)
  const finding = await findRequirement(requirement, signal)
  if (finding.state === 'found') return finding.path
  throw failure('requirement_missing', {
    program,
    package: requirement.package,
    why: requirement.why,
    ...(finding.state === 'too_old' && { found: finding.version, minimum: requirement.minimum?.version ?? '' }),
  })
}
