import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { annotation, type Sandbox, type SandboxClaim } from '../../api/index.ts'
import type { Stored } from '../../controller/index.ts'
import type { SandboxMetrics } from '../sandbox-metrics.ts'
import { NameBudget } from './name-budget.ts'
import { creatorOf, gaugeLabelsOf, launchTypeOf, templateOf } from './sandbox-labels.ts'

/** ms, as the API's own controller has them: dashboards compare them. */
const claimBuckets = [
  100, 250, 500, 750, 1_000, 1_250, 1_500, 2_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 240_000,
]
const creationBuckets = [
  50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 240_000, 300_000, 600_000,
]

/** Templates, and pools, of a namespace that are told apart: more than people make. */
const namesPerNamespace = 100

export interface SandboxMetricsOptions {
  readonly registry: Registry
  /** All Sandboxes, asked at a scrape; none where they are not to be counted: of several replicas only the leader counts. */
  readonly sandboxes: () => Iterable<Stored<Sandbox>>
}

/** The metrics of the API, in one registry. */
export class PrometheusSandboxMetrics implements SandboxMetrics {
  readonly #registry: Registry
  readonly #latencies
  readonly #creation
  readonly #claims
  readonly #mismatches
  readonly #templates = new NameBudget(namesPerNamespace)
  readonly #pools = new NameBudget(namesPerNamespace)

  constructor({ registry, sandboxes }: SandboxMetricsOptions) {
    this.#registry = registry
    this.#latencies = [
      [annotation.webhookFirstObservedAt, this.#latency('claim_startup_latency_ms', 'a webhook saw it first')],
      [
        annotation.controllerFirstObservedAt,
        this.#latency('claim_controller_startup_latency_ms', 'the controller saw it first'),
      ],
      [annotation.clientFirstRequestedAt, this.#latency('client_claim_startup_latency_ms', 'its client asked for it')],
    ] as const
    this.#creation = new Histogram({
      name: 'agent_sandbox_creation_latency_ms',
      help: 'From the creation of a Sandbox to its becoming Ready.',
      labelNames: ['namespace', 'launch_type', 'sandbox_template'],
      buckets: creationBuckets,
      registers: [registry],
    })
    this.#claims = new Counter({
      name: 'agent_sandbox_claim_creation_total',
      help: 'Claims that got a Sandbox.',
      labelNames: ['namespace', 'sandbox_template', 'launch_type', 'warmpool_name', 'pod_condition', 'created_by'],
      registers: [registry],
    })
    this.#mismatches = new Counter({
      name: 'bulkhead_sandbox_kernel_mismatches_total',
      help: 'Sandboxes that were seen to run on a kernel other than promised, by why.',
      labelNames: ['namespace', 'reason'],
      registers: [registry],
    })
    registerGauge(registry, sandboxes, (sandbox) => this.#template(sandbox))
  }

  claimBecameReady(claim: Stored<SandboxClaim>, sandbox: Stored<Sandbox>, wallMs: number): void {
    const labels = { launch_type: launchTypeOf(sandbox), sandbox_template: this.#template(sandbox) }
    for (const [key, histogram] of this.#latencies) {
      const since = Date.parse(claim.metadata.annotations?.[key] ?? '')
      // Another machine's clock may be ahead of ours.
      if (!Number.isNaN(since)) histogram.observe(labels, Math.max(0, wallMs - since))
    }
  }

  claimGotSandbox(claim: Stored<SandboxClaim>, sandbox: Stored<Sandbox>, ready: boolean): void {
    const { namespace = '' } = claim.metadata
    this.#claims.inc({
      namespace,
      sandbox_template: this.#template(sandbox),
      launch_type: launchTypeOf(sandbox),
      warmpool_name: this.#pools.spend(namespace, claim.spec.warmPoolRef.name),
      pod_condition: ready ? 'ready' : 'not_ready',
      created_by: creatorOf(claim),
    })
  }

  kernelMismatched({ metadata: { namespace = '' }, status }: Stored<Sandbox>): void {
    this.#mismatches.inc({ namespace, reason: status?.kernel?.reason ?? '' })
  }

  sandboxBecameReady(sandbox: Stored<Sandbox>, wallMs: number): void {
    const { namespace = '', creationTimestamp } = sandbox.metadata
    const labels = { namespace, launch_type: launchTypeOf(sandbox), sandbox_template: this.#template(sandbox) }
    this.#creation.observe(labels, Math.max(0, wallMs - Date.parse(creationTimestamp)))
  }

  #template(sandbox: Stored<Sandbox>): string {
    return this.#templates.spend(sandbox.metadata.namespace ?? '', templateOf(sandbox))
  }

  #latency(name: string, since: string) {
    return new Histogram({
      name: `agent_sandbox_${name}`,
      help: `Until a claim is Ready for the first time, since ${since}.`,
      labelNames: ['launch_type', 'sandbox_template'],
      buckets: claimBuckets,
      registers: [this.#registry],
    })
  }
}

function registerGauge(
  registry: Registry,
  sandboxes: SandboxMetricsOptions['sandboxes'],
  template: (sandbox: Stored<Sandbox>) => string
): void {
  new Gauge({
    name: 'agent_sandboxes',
    help: 'Sandboxes, as the leader knows them.',
    labelNames: [
      'namespace',
      'ready_condition',
      'expired',
      'launch_type',
      'sandbox_template',
      'owned_by',
      'created_by',
    ],
    registers: [registry],
    collect() {
      this.reset()
      for (const sandbox of sandboxes()) this.inc({ ...gaugeLabelsOf(sandbox), sandbox_template: template(sandbox) })
    },
  })
}
