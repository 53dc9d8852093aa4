/** The control API: one schema per message, types inferred from it. Sizes are bytes, times RFC 3339 in UTC, durations milliseconds. */
import { z } from 'zod'
import { limits } from './limits.ts'

export { limits } from './limits.ts'
export { errorHeader, routes } from './routes.ts'

/** Kernel runtimes, by name. */
export const RuntimeName = z.enum(['qemu', 'gvisor'])
export type RuntimeName = z.infer<typeof RuntimeName>

/** From strongest to weakest. `emulated` (QEMU without KVM or HVF) is a kernel of its own but no security boundary. */
export const IsolationClass = z.enum(['hardware', 'userspace', 'emulated'])
export type IsolationClass = z.infer<typeof IsolationClass>
export const isolationStrength: Readonly<Record<IsolationClass, number>> = { hardware: 3, userspace: 2, emulated: 1 }

export const SandboxState = z.enum([
  'creating',
  'running',
  'paused',
  'snapshotting',
  'stopping',
  'stopped',
  'failed',
  'lost',
])
export type SandboxState = z.infer<typeof SandboxState>

const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => !value.includes('\0'), 'must not contain a NUL byte')
const bytesOf = (texts: readonly string[]) => {
  const encoder = new TextEncoder()
  return texts.reduce((sum, one) => sum + encoder.encode(one).byteLength, 0)
}
const bounded = (limit: { min: number; max: number }) => z.number().int().min(limit.min).max(limit.max)

/** Free data of the caller's; kept with the sandbox and given back. */
export const Metadata = z
  .record(text(255).min(1), text(4096))
  .refine((m) => Object.keys(m).length <= 64, 'at most 64 entries')
/** Kept with the sandbox, and given to each of its processes: bounded as a whole, too. */
export const Environment = z
  .record(
    text(4096)
      .min(1)
      .refine((name) => !name.includes('='), 'a variable name must not contain "="'),
    text(128 * 1024)
  )
  .refine((env) => Object.keys(env).length <= 1024, { error: 'at most 1024 variables', abort: true })
  .refine((env) => bytesOf(Object.entries(env).flat()) <= 1024 * 1024, 'at most 1 MiB of names and values together')

export const CreateSandbox = z.strictObject({
  /** An image's name or reference; `default` is the Debian image. */
  image: text(1024).min(1).default('default'),
  runtime: RuntimeName.optional(),
  /** The weakest class that will do. `emulated` is chosen only when asked for by name. */
  isolation: IsolationClass.default('userspace'),
  memoryBytes: bounded(limits.memoryBytes).default(limits.memoryBytes.default),
  cpus: bounded(limits.cpus).default(limits.cpus.default),
  diskBytes: bounded(limits.diskBytes).default(limits.diskBytes.default),
  /** Environment of every process, over the image's own. */
  env: Environment.default({}),
  metadata: Metadata.default({}),
  /** The sandbox is removed this long after now, or after the last time the deadline was set. Absent: it stays until deleted. */
  deadlineMs: bounded(limits.deadlineMs).optional(),
})
/** What a client sends: everything has a default. */
export type CreateSandboxInput = z.input<typeof CreateSandbox>
export type CreateSandbox = z.output<typeof CreateSandbox>

export const Sandbox = z.object({
  /** `sb-` and 20 characters of a-z, 2-7. */
  id: z.string(),
  state: SandboxState,
  /** Why, for `failed`, `lost`, `stopped`. */
  reason: z.string().optional(),
  image: z.string(),
  imageDigest: z.string(),
  runtime: RuntimeName,
  isolation: IsolationClass,
  memoryBytes: z.number(),
  cpus: z.number(),
  diskBytes: z.number(),
  metadata: Metadata,
  createdAt: z.string(),
  deadlineAt: z.string().optional(),
  /** How it came to be: a cold boot, a clone of its template, or taken from the pool. */
  origin: z.enum(['boot', 'clone', 'pool']),
})
export type Sandbox = z.infer<typeof Sandbox>

export const SetDeadline = z.strictObject({
  /** From now; null: no deadline. */
  deadlineMs: bounded(limits.deadlineMs).nullable(),
})
export type SetDeadline = z.infer<typeof SetDeadline>

/** What a kernel runtime can do on this machine, as found by a real boot. */
export const RuntimeReport = z.object({
  runtime: RuntimeName,
  usable: z.boolean(),
  /** The class it gives here; absent when not usable. */
  isolation: IsolationClass.optional(),
  version: z.string().optional(),
  /** Why not usable, or why not of a stronger class. */
  reason: z.string().optional(),
  /** What was tried: the accelerator or platform, and how it ended. */
  attempts: z.array(z.object({ what: z.string(), outcome: z.string(), tookMs: z.number() })),
  /** What of the confinement around the VMM this machine or this user cannot have. */
  missing: z.array(z.string()),
  checkedAt: z.string(),
})
export type RuntimeReport = z.infer<typeof RuntimeReport>

/** What the host sees of a running kernel (P6). Read from /proc and the cgroup file system, never asked of the guest. */
export const HostWitness = z.object({
  runtime: RuntimeName,
  isolation: IsolationClass,
  /** The process that is the kernel: QEMU, or gVisor's sentry. */
  pid: z.number(),
  executable: z.string(),
  uid: z.number(),
  gid: z.number(),
  /** /proc/PID/status `Seccomp`: 0 none, 1 strict, 2 filter. */
  seccomp: z.number(),
  noNewPrivs: z.boolean(),
  /** Effective capabilities by name, as they count in the process's user namespace. */
  capabilities: z.array(z.string()),
  /** Whether the process lives in a user namespace other than the host's. */
  ownUserNamespace: z.boolean(),
  ownNetworkNamespace: z.boolean(),
  ownMountNamespace: z.boolean(),
  ownPidNamespace: z.boolean(),
  /** Network interfaces in the process's network namespace other than `lo`. */
  interfaces: z.array(z.string()),
  /** Mount points the process sees, with what is behind each: the source, and in brackets the part of it that is mounted. */
  mounts: z.array(
    z.object({
      target: z.string(),
      source: z.string(),
      type: z.string(),
      readOnly: z.boolean(),
      /** The host has the same file system mounted: what is written here is seen there. */
      sharedWithHost: z.boolean(),
    })
  ),
  cgroup: z.object({
    memoryMaxBytes: z.number().optional(),
    cpuMax: z.number().optional(),
    pidsMax: z.number().optional(),
  }),
  /** Open descriptors by what they are: a path, `socket`, `pipe`, `anon_inode:…`, and whether writable. */
  descriptors: z.array(z.object({ fd: z.number(), target: z.string(), writable: z.boolean() })),
  /** What this user or machine could not be given (started without root, no cgroup controller, …). */
  missing: z.array(z.string()),
})
export type HostWitness = z.infer<typeof HostWitness>

/** What the inside says of itself (P6). Untrusted: an attacker with root in the guest says what it likes. */
export const InsideView = z.object({
  nonce: z.string(),
  bootId: z.string(),
  kernelRelease: z.string(),
  kernelVersion: z.string(),
  hostname: z.string(),
  machineId: z.string(),
  uptimeMs: z.number(),
  wallClock: z.string(),
})
export type InsideView = z.infer<typeof InsideView>

export const Verdict = z.object({
  /** `proven`: every check held. `violated`: one failed. `unknown`: one of the two sides is silent, and the other's view stands alone. */
  outcome: z.enum(['proven', 'violated', 'unknown']),
  checks: z.array(z.object({ name: z.string(), held: z.boolean(), detail: z.string() })),
})
export type Verdict = z.infer<typeof Verdict>

export const Evidence = z.object({
  sandboxId: z.string(),
  takenAt: z.string(),
  hostBootId: z.string(),
  hostKernelRelease: z.string(),
  /** Absent where nobody sees the process of the kernel: `missing` says why. */
  host: HostWitness.optional(),
  inside: InsideView.optional(),
  /** What of all this could not be had, and why. What a witness of the host lacks stands there. */
  missing: z.array(z.string()).optional(),
  verdict: Verdict,
})
export type Evidence = z.infer<typeof Evidence>

/** Evidence of every running sandbox, and of which it could not be had. */
export const EvidenceOfAll = z.object({
  evidence: z.array(Evidence),
  failed: z.array(z.object({ sandboxId: z.string(), code: z.string(), message: z.string() })),
})
export type EvidenceOfAll = z.infer<typeof EvidenceOfAll>

export const Image = z.object({
  /** `sha256:…` of the image's manifest; for the default image of its recipe. */
  digest: z.string(),
  names: z.array(z.string()),
  sizeBytes: z.number(),
  createdAt: z.string(),
  inUse: z.boolean().optional(),
})
export type Image = z.infer<typeof Image>

export const PullImage = z.strictObject({
  /** A registry reference, `oci:PATH[:TAG]`, or `docker-archive:PATH`. */
  reference: text(4096).min(1),
})
export type PullImage = z.infer<typeof PullImage>

/** A line of the progress stream of a pull or build; the last has `image` or `error`. */
export const ImageProgress = z.object({
  step: z.string(),
  fraction: z.number().min(0).max(1).optional(),
  image: Image.optional(),
  error: z.unknown().optional(),
})
export type ImageProgress = z.infer<typeof ImageProgress>
