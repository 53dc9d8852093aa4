import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import type { ClientHttp2Session } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  GuestIdentity,
  KernelExit,
  KernelHandle,
  KernelRuntime,
  KernelSnapshot,
  KernelSpec,
  RunningKernel,
} from '@bulkhead/kernel'
import { failure } from '@bulkhead/wire'
import type { EngineConfig, Logger } from '../config.ts'
import { Ledger } from '../ledger/ledger.ts'

/** A kernel that is nothing but an entry in the machine's table; it outlives the engine that made it. */
interface FakeKernel {
  handle: KernelHandle
  readonly exit: PromiseWithResolvers<KernelExit>
}

/**
 * A machine whose kernels are entries in a table: for the order of things, and for faults that a real one cannot be made to have at a given
 * moment. What a kernel does is tested with real ones.
 */
export class FakeMachine implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'bulkhead-engine-'))
  readonly kernels = new Map<string, FakeKernel>()
  /** What was asked of the runtime, as `verb id` or `verb template`, in order. */
  readonly calls: string[] = []
  readonly #cloningPays: boolean
  /** Called in the middle of each boot, restore and stop; may wait or throw. */
  during: (verb: 'boot' | 'restore' | 'stop' | 'configure', id: string, signal: AbortSignal) => Promise<void> =
    async () => {}

  constructor(options: { cloningPays?: boolean } = {}) {
    this.#cloningPays = options.cloningPays ?? false
    this.runtime = this.#makeRuntime()
  }

  readonly logged: { message: string; facts: object }[] = []
  readonly log: Logger = {
    debug: () => {},
    info: (facts, message) => this.logged.push({ message, facts }),
    warn: (facts, message) => this.logged.push({ message, facts }),
    error: (facts, message) => this.logged.push({ message, facts }),
  }

  config(changes: Partial<EngineConfig> = {}): EngineConfig {
    const image = { digest: 'sha256:1', path: '/image', config: { env: { FROM_IMAGE: '1' }, user: '', workdir: '/' } }
    return {
      stateDirectory: this.directory,
      runRoot: join(this.directory, 'run'),
      runtimes: [{ name: 'gvisor', load: async () => this.runtime }],
      images: {
        resolve: async () => image,
        list: async () => [],
        pull: async () => Promise.reject(new Error('no registry')),
        remove: async (name, inUse) => {
          if (inUse.has(image.digest)) throw failure('invalid_request', { field: 'image', problem: 'in use' })
          return { digest: image.digest, names: [name], sizeBytes: 0, createdAt: '' }
        },
        prune: async () => [],
      },
      uidBase: 100_000,
      log: this.log,
      pool: { size: 0 },
      capacity: { memoryReserveBytes: 0, memoryPerStartBytes: 0, diskReserveBytes: 0 },
      ...changes,
    }
  }

  /** What a killed server left in the ledger. */
  withLedger<Result>(use: (ledger: Ledger) => Result): Result {
    const ledger = Ledger.open(this.directory)
    try {
      return use(ledger)
    } finally {
      ledger.close({ clean: false })
    }
  }

  /** Names of the folders below `sandboxes` and `templates`. */
  folders(kind: 'sandboxes' | 'templates'): string[] {
    return readdirSync(join(this.directory, kind))
  }

  makeFolder(kind: 'sandboxes' | 'templates', name: string): void {
    mkdirSync(join(this.directory, kind, name), { recursive: true })
    writeFileSync(join(this.directory, kind, name, 'disk'), 'x')
  }

  /** A kernel that an earlier server started. */
  plant(spec: KernelSpec): KernelHandle {
    const handle: KernelHandle = { runtime: 'gvisor', spec, pid: 1, startTime: '1', detail: {} }
    this.kernels.set(spec.id, { handle, exit: Promise.withResolvers() })
    return handle
  }

  /** Ends a kernel behind the engine's back. */
  crash(id: string, exit: KernelExit): void {
    const kernel = this.kernels.get(id)
    this.kernels.delete(id)
    kernel?.exit.resolve(exit)
  }

  readonly runtime: KernelRuntime

  #makeRuntime(): KernelRuntime {
    return {
      name: 'gvisor',
      cloningPays: this.#cloningPays,
      fingerprint: async () => '1',
      probe: async () => ({
        runtime: 'gvisor',
        usable: true,
        isolation: 'userspace',
        attempts: [],
        missing: [],
        checkedAt: '',
      }),
      boot: (spec, signal) => this.#start('boot', spec, signal),
      restore: (snapshot, spec, signal) => this.#start('restore', spec, signal, snapshot),
      adopt: async (handle) => {
        const kernel = this.kernels.get(handle.spec.id)
        if (!kernel) throw failure('kernel_gone', { id: handle.spec.id, reason: 'it is not in the table' })
        return this.#running(kernel)
      },
      sweep: async (keep) => {
        const gone = [...this.kernels.keys()].filter((id) => !keep.has(id))
        for (const id of gone) this.kernels.delete(id)
        return gone
      },
    }
  }

  async #start(
    verb: 'boot' | 'restore',
    spec: KernelSpec,
    signal: AbortSignal,
    snapshot?: KernelSnapshot
  ): Promise<RunningKernel> {
    this.calls.push(`${verb} ${snapshot ? 'template' : spec.id.slice(0, 2)}`)
    await this.during(verb, spec.id, signal)
    signal.throwIfAborted()
    this.plant(spec)
    const kernel = this.kernels.get(spec.id)
    if (!kernel) throw new Error('unreachable')
    return this.#running(kernel)
  }

  #running(kernel: FakeKernel): RunningKernel {
    const { id } = kernel.handle.spec
    const stop = async (): Promise<KernelExit> => {
      await this.during('stop', id, new AbortController().signal)
      this.kernels.delete(id)
      kernel.exit.resolve({ kind: 'stopped' })
      return kernel.exit.promise
    }
    return {
      isolation: kernel.handle.spec.isolation,
      get handle() {
        return kernel.handle
      },
      exited: kernel.exit.promise,
      channel: async () => {
        if (!this.kernels.has(id)) throw failure('guest_unreachable', { id, reason: 'it is not in the table' })
        return { id } as unknown as ClientHttp2Session
      },
      warmUp: async () => {},
      configure: async (identity: GuestIdentity, signal) => {
        await this.during('configure', id, signal)
        kernel.handle = { ...kernel.handle, spec: { ...kernel.handle.spec, identity } }
      },
      inside: async () => Promise.reject(new Error('it has no inside')),
      pause: async () => {},
      resume: async () => {},
      snapshot: async (into) => {
        this.calls.push('snapshot')
        writeFileSync(join(into, 'memory'), 'x')
        const { memoryBytes, cpus, diskBytes, rootImage, isolation, identity } = kernel.handle.spec
        const { channelKey } = identity
        return {
          runtime: 'gvisor',
          directory: into,
          memoryBytes,
          cpus,
          diskBytes,
          rootImage,
          isolation,
          channelKey,
          detail: {},
        }
      },
      usage: async () => ({ memoryBytes: 0, cpuSeconds: 0, processes: 1 }),
      witness: async () => Promise.reject(new Error('it has no process')),
      stop,
      release: async () => {},
      [Symbol.asyncDispose]: async () => void (await stop()),
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}
