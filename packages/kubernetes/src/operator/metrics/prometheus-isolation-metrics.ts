import { Counter, type Registry } from 'prom-client'
import type { IsolationMetrics } from '../../isolation/index.ts'

/** The metrics of IsolationPolicies. Their names are few: administrators make them. */
export class PrometheusIsolationMetrics implements IsolationMetrics {
  readonly #repairs

  constructor(registry: Registry) {
    this.#repairs = new Counter({
      name: 'bulkhead_isolation_repairs_total',
      help: 'Admission policies that enforce an IsolationPolicy and that somebody else had deleted or changed.',
      labelNames: ['policy', 'kind', 'cause'],
      registers: [registry],
    })
  }

  repaired(...[policy, kind, cause]: Parameters<IsolationMetrics['repaired']>): void {
    this.#repairs.inc({ policy, kind, cause })
  }
}
