import type { KernelRuntime } from '@bulkhead/kernel'
import type { Image, ImageProgress, RuntimeName } from '@bulkhead/wire'

/** What the engine is given; it reads nothing from the environment. */
export interface EngineConfig {
  /** Absolute, on a disk. Ledger, writable layers and templates live here; one engine at a time. */
  readonly stateDirectory: string
  /** Where the runtimes keep the run folder of each kernel, `<runRoot>/<runtime>-<id>`: told to the judge of the evidence as the kernel's own. */
  readonly runRoot: string
  /**
   * In order of preference: of those that give at least the isolation asked for, a sandbox gets the first.
   * Loaded when first needed, so that a request that needs none of it pays for none of it.
   */
  readonly runtimes: readonly RuntimeSource[]
  readonly images: ImageStore
  /** VMMs run with uids (and gids) from `uidBase` up, one each, `uidSlots` at most (default 4096). */
  readonly uidBase: number
  readonly uidSlots?: number
  readonly log: Logger
  readonly pool?: Partial<PoolConfig>
  readonly capacity?: Partial<CapacityConfig>
  readonly templates?: Partial<TemplateConfig>
  /** How long a sandbox that has ended is still known. Default one hour. */
  readonly keepEndedMs?: number
  /** How many sandboxes that have ended are known at most, the newest. Default 1000. */
  readonly keepEnded?: number
}

export interface RuntimeSource {
  readonly name: RuntimeName
  readonly load: () => Promise<KernelRuntime>
}

export interface PoolConfig {
  /** Sandboxes kept ready for each shape that has been asked for. Default 1; 0: no pool. */
  readonly size: number
  /** How long no create must have come before the pool is filled up: filling never competes with what the caller does. Default 200 ms. */
  readonly quietMs: number
  /** How long a shape is kept ready after its last create. Default 10 minutes. */
  readonly idleMs: number
}

export interface CapacityConfig {
  /** Kernels that are started at the same time. Default: processors + 1; with more, each takes longer and none comes sooner. */
  readonly parallelStarts: number
  /** Creates that may wait for that. Default 256. */
  readonly waitingStarts: number
  /** What must stay available on the host, in bytes. Default 256 MiB. */
  readonly memoryReserveBytes: number
  /** What one more kernel needs at first, in bytes; what it may grow to is its cgroup's business. Default 96 MiB. */
  readonly memoryPerStartBytes: number
  /** What must stay free on the disk of the state folder, in bytes. Default 128 MiB. */
  readonly diskReserveBytes: number
}

export interface TemplateConfig {
  /** Beyond this many bytes the templates that were not used for longest go. Default 8 GiB. */
  readonly maxBytes: number
}

/** The slice of pino that is used: facts as keys, a constant message. */
export interface Logger {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** The slice of the image store that the engine uses. */
export interface ImageStore {
  /** Fails `image_not_found`. */
  resolve(name: string, signal: AbortSignal): Promise<ResolvedImage>
  list(): Promise<Image[]>
  pull(reference: string, progress: (event: ImageProgress) => void, signal: AbortSignal): Promise<Image>
  /** Fails `image_not_found`, and `image_in_use` when the image would go and its digest is in `inUse`. */
  remove(name: string, inUse: ReadonlySet<string>): Promise<Image>
  /** Removes what has no name and is not in `inUse`. */
  prune(inUse: ReadonlySet<string>): Promise<Image[]>
}

export interface ResolvedImage {
  readonly digest: string
  /** The EROFS file. */
  readonly path: string
  /** What processes start with, as the image's maker meant it; an empty user is root. */
  readonly config: {
    readonly env: Readonly<Record<string, string>>
    readonly user: string
    readonly workdir: string
  }
}
