import type { KernelRuntime } from '@bulkhead/kernel'
import {
  type CreateSandbox,
  failure,
  type IsolationClass,
  isolationStrength,
  type RuntimeName,
  type RuntimeReport,
} from '@bulkhead/wire'
import type { RuntimeSource } from './config.ts'
import { SingleFlight } from './single-flight.ts'

export interface Placement {
  readonly runtime: RuntimeName
  readonly isolation: IsolationClass
}

/** The kernel runtimes of this machine, each loaded when first needed, and the choice between them. */
export class Runtimes {
  readonly #sources: readonly RuntimeSource[]
  readonly #loading = new Map<RuntimeName, Promise<KernelRuntime>>()
  /** Of usable runtimes only: what does not work may be mended meanwhile. */
  readonly #reports = new Map<RuntimeName, RuntimeReport>()
  /** A probe boots kernels: whoever asks while one is under way waits for that one, however many ask. */
  readonly #probing = new SingleFlight<RuntimeReport>()

  constructor(sources: readonly RuntimeSource[]) {
    this.#sources = sources
  }

  get names(): RuntimeName[] {
    return this.#sources.map((source) => source.name)
  }

  /** Fails `runtime_unavailable` when it is not one of this machine's, or cannot even be loaded. */
  async get(name: RuntimeName): Promise<KernelRuntime> {
    const source = this.#sources.find((candidate) => candidate.name === name)
    if (!source) throw failure('runtime_unavailable', { runtime: name, reason: 'it is not set up on this machine' })
    let loading = this.#loading.get(name)
    if (!loading) {
      loading = source.load()
      this.#loading.set(name, loading)
      loading.catch(() => this.#loading.delete(name))
    }
    return loading
  }

  /** One that cannot even be loaded is not usable, like any other that does not work. */
  async report(name: RuntimeName, options: { fresh?: boolean }, signal: AbortSignal): Promise<RuntimeReport> {
    const { fresh = false } = options
    const known = this.#reports.get(name)
    if (known && !fresh) return known
    return this.#probing.run(`${name} ${fresh}`, signal, (flight) => this.#probe(name, { fresh }, flight))
  }

  /** Resolves when no probe is under way, also none that nobody waits for any more. */
  idle(): Promise<void> {
    return this.#probing.idle()
  }

  /**
   * The first runtime, in the configured order, that gives at least the class asked for (P2). Order, not strength, decides among those that
   * do, so that the same request lands on the same runtime every time; `emulated`, the weakest, suffices only to who asked for it by name.
   * Fails `isolation_unavailable`, and `runtime_unavailable` when the one asked for by name does not work.
   */
  async place(wanted: Pick<CreateSandbox, 'runtime' | 'isolation'>, signal: AbortSignal): Promise<Placement> {
    const offered: string[] = []
    for (const name of wanted.runtime ? [wanted.runtime] : this.names) {
      const { usable, isolation, reason } = await this.report(name, {}, signal)
      if (usable && isolation) {
        if (isolationStrength[isolation] >= isolationStrength[wanted.isolation]) return { runtime: name, isolation }
        offered.push(`${name}: ${isolation}`)
      } else if (wanted.runtime) {
        throw failure('runtime_unavailable', { runtime: name, reason: reason ?? 'its probe gave no reason' })
      }
    }
    throw failure('isolation_unavailable', { wanted: wanted.isolation, offered: offered.join(', ') || 'nothing' })
  }

  async #probe(name: RuntimeName, options: { fresh: boolean }, signal: AbortSignal): Promise<RuntimeReport> {
    const report = await this.get(name).then(
      (runtime) => runtime.probe(options, signal),
      (error: Error) => unusable(name, error)
    )
    if (report.usable) this.#reports.set(name, report)
    else this.#reports.delete(name)
    return report
  }
}

const unusable = (runtime: RuntimeName, error: Error): RuntimeReport => ({
  runtime,
  usable: false,
  reason: error.message,
  attempts: [],
  missing: [],
  checkedAt: new Date().toISOString(),
})
