import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { PrometheusIsolationMetrics } from './prometheus-isolation-metrics.ts'

it('counts what was put right by policy, kind and cause', async () => {
  const registry = new Registry()
  const metrics = new PrometheusIsolationMetrics(registry)
  metrics.repaired('agents', 'ValidatingAdmissionPolicy', 'deleted')
  metrics.repaired('agents', 'ValidatingAdmissionPolicy', 'deleted')
  expect(await registry.metrics()).toContain(
    'bulkhead_isolation_repairs_total{policy="agents",kind="ValidatingAdmissionPolicy",cause="deleted"} 2'
  )
})
