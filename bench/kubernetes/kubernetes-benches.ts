import { abortOnInterruption } from '../../packages/cli/src/interruption.ts'
import { whyNotHere } from '../../tools/cluster/test-cluster.ts'
import type { Figure } from '../figure.ts'
import { admission } from './admission.ts'
import { audit } from './audit.ts'
import { type BenchCluster, openBenchCluster } from './bench-cluster.ts'
import { claims } from './claims.ts'
import { cold } from './cold.ts'
import { fill } from './fill.ts'
import { overload } from './overload.ts'
import { quarantine } from './quarantine.ts'

const measurements = { claims, overload, fill, cold, admission, quarantine, audit }
const supportWithinMs = 10_000

/** The measurements on a cluster, which the first that runs opens for all. */
export class KubernetesBenches implements AsyncDisposable {
  /** By name; without figures, and with the reason on stderr, where no cluster can run. */
  readonly benches: Readonly<Record<string, () => Promise<Figure[]>>>
  readonly #undo = new AsyncDisposableStack()
  #cluster: Promise<BenchCluster> | undefined

  constructor() {
    const bench = (measure: (cluster: BenchCluster) => Promise<Figure[]>) => async () => {
      const reason = await whyNotHere(AbortSignal.timeout(supportWithinMs))
      if (reason === undefined) return measure(await this.#open())
      process.stderr.write(`  skipped, because ${reason}\n`)
      return []
    }
    const named = Object.entries(measurements).map(([name, measure]) => [`kubernetes-${name}`, bench(measure)])
    this.benches = Object.fromEntries(named)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#undo.disposeAsync()
  }

  #open(): Promise<BenchCluster> {
    this.#cluster ??= (async () => {
      const { signal } = this.#undo.use(abortOnInterruption())
      return this.#undo.use(await openBenchCluster(signal))
    })()
    return this.#cluster
  }
}
