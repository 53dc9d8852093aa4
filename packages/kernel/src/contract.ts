/**
 * A kernel of its own for one workload. Two implementations, `qemu/` and `gvisor/`, pass one contract suite.
 * Nothing here knows of sandboxes, images' names or HTTP routes.
 */
import type { ClientHttp2Session } from 'node:http2'
import type { HostWitness, InsideView, IsolationClass, RuntimeName, RuntimeReport } from '@bulkhead/wire'

export interface KernelRuntime {
  readonly name: RuntimeName
  /** Whether a clone starts so much sooner than a cold boot that a template is worth its disk. */
  readonly cloningPays: boolean
  /** Changes with everything a snapshot depends on besides its spec: VMM, guest kernel, agent, host kernel. Part of a template's key. */
  fingerprint(): Promise<string>
  /** Finds out by a real boot with a deadline what works here; cached per binary, host kernel and device. Never throws for "not usable". */
  probe(options: { fresh?: boolean }, signal: AbortSignal): Promise<RuntimeReport>
  /** Resolves when the guest agent has been configured and answers. On failure or abort everything of it is gone. */
  boot(spec: KernelSpec, signal: AbortSignal): Promise<RunningKernel>
  /** As `boot`, from a snapshot. The clone has its own identity, entropy, clock and token before this resolves. */
  restore(snapshot: KernelSnapshot, spec: KernelSpec, signal: AbortSignal): Promise<RunningKernel>
  /** Takes over a kernel that another process of ours started. Fails `kernel_gone` when it no longer runs. */
  adopt(handle: KernelHandle, signal: AbortSignal): Promise<RunningKernel>
  /**
   * Ends and removes everything of this runtime below its run root (processes, mounts, cgroups, folders, uids) whose id is not in `keep`.
   * Run at start: what no ledger row owns must not stay. Returns the ids removed. One that cannot be removed does not save the others: fails
   * `SweepIncomplete` (`@bulkhead/kernel/sweep`) at the end.
   */
  sweep(keep: ReadonlySet<string>): Promise<string[]>
}

/** What is wanted. Plain data. */
export interface KernelSpec {
  /** [a-z0-9-]{1,40}. Run folder and cgroup are named `<runtime>-<id>`. Never a foreign name. */
  readonly id: string
  /** EROFS image, read-only, shared by all that use it. */
  readonly rootImage: string
  readonly memoryBytes: number
  readonly cpus: number
  /** Size of the writable layer. */
  readonly diskBytes: number
  /** The host uid and gid the VMM runs as; no other process has it. Ignored when not started as root. */
  readonly uid: number
  /** QEMU only: `tcg` is the class `emulated`. Chosen by the caller from the probe's report. */
  readonly isolation: IsolationClass
  readonly identity: GuestIdentity
  /** Absolute folder for the writable layer; made by the caller, empty, on a disk; removed by the caller. */
  readonly stateDirectory: string
}

/** What makes two clones different, and what processes start with. Given to the agent at boot and again after every restore. */
export interface GuestIdentity {
  readonly hostname: string
  /** 32 lower-case hex digits. */
  readonly machineId: string
  /** 64 hex digits; what `X-Access-Token` must carry. */
  readonly accessToken: string
  /** 32 hex digits; the channel handshake's key from now on. */
  readonly channelKey: string
  /** Default environment of processes. */
  readonly env: Readonly<Record<string, string>>
  /** Default user (name or uid) and working directory of processes. */
  readonly user: string
  readonly workdir: string
}

/** Enough to find the kernel again from another process; JSON. Holds secrets (the channel key): keep it in the ledger only. */
export interface KernelHandle {
  readonly runtime: RuntimeName
  readonly spec: KernelSpec
  /** The VMM's pid and its start time (field 22 of /proc/PID/stat), so that a reused pid is not taken for it. */
  readonly pid: number
  readonly startTime: string
  /** The runtime's own. */
  readonly detail: Readonly<Record<string, unknown>>
}

/** A folder that holds memory, disk and description whole; read-only once made. JSON. */
export interface KernelSnapshot {
  readonly runtime: RuntimeName
  readonly directory: string
  readonly memoryBytes: number
  readonly cpus: number
  readonly diskBytes: number
  readonly rootImage: string
  readonly isolation: IsolationClass
  /** The channel key the frozen guest still listens for. Secret. */
  readonly channelKey: string
  readonly detail: Readonly<Record<string, unknown>>
}

export interface RunningKernel extends AsyncDisposable {
  readonly isolation: IsolationClass
  readonly handle: KernelHandle
  /** The open HTTP/2 session to the agent, or a fresh one, handshake done, when the last has ended. Single-flight. Fails `guest_unreachable`. */
  channel(signal: AbortSignal): Promise<ClientHttp2Session>
  /** Gives the guest another identity than it started with (host name, environment, user, token); `handle` carries it from then on. */
  configure(identity: GuestIdentity, signal: AbortSignal): Promise<void>
  /** What the inside says of itself, with this nonce (P6). Bounded, checked against the schema, untrusted. Fails `guest_unreachable`. */
  inside(nonce: string, signal: AbortSignal): Promise<InsideView>
  pause(): Promise<void>
  resume(): Promise<void>
  /** Has the guest run what every clone's first command needs, so that it lies in the snapshot's memory. Nothing of a workload's runs yet. */
  warmUp(signal: AbortSignal): Promise<void>
  /** `into`: an empty folder. Sessions end; the workload goes on afterwards. */
  snapshot(into: string, signal: AbortSignal): Promise<KernelSnapshot>
  usage(): Promise<KernelUsage>
  /** P6, the host's side. */
  witness(): Promise<HostWitness>
  /** Resolves once, never rejects. */
  readonly exited: Promise<KernelExit>
  /** Orderly power-off first, killed after `graceMs` (default 2000). Then everything of it is removed but the state directory. */
  stop(options?: { graceMs?: number }): Promise<KernelExit>
  /** Lets go of it without ending it: sockets closed, listeners removed. For a server that ends while kernels go on. */
  release(): Promise<void>
}

export interface KernelUsage {
  /** Charged to the cgroup: `memory.current` or v1 `memory.usage_in_bytes`, page cache of the disk included. */
  readonly memoryBytes: number
  readonly cpuSeconds: number
  readonly processes: number
}

export type KernelExit =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'powered_off' }
  | { readonly kind: 'panicked'; readonly detail: string }
  | { readonly kind: 'out_of_memory'; readonly detail: string }
  | { readonly kind: 'killed'; readonly detail: string }
  | { readonly kind: 'crashed'; readonly detail: string }
