import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { type Sandbox, type SandboxClaim, sandboxClaims, sandboxWarmPools } from '../../api/index.ts'
import { type Condition, controllerReference, type ObjectMeta, type Stored } from '../../controller/index.ts'
import { PrometheusSandboxMetrics } from './prometheus-sandbox-metrics.ts'

const meta = (some: ObjectMeta) => ({
  namespace: 'ns',
  name: 'one',
  uid: 'u1',
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...some,
})
const sandbox = (some: ObjectMeta = {}, ready?: Pick<Condition, 'status' | 'reason'>): Stored<Sandbox> => ({
  apiVersion: 'agents.x-k8s.io/v1beta1',
  kind: 'Sandbox',
  metadata: meta(some),
  spec: { podTemplate: { spec: { containers: [] } } },
  ...(ready && {
    status: { conditions: [{ type: 'Ready', message: '', lastTransitionTime: '2026-01-01T00:00:00Z', ...ready }] },
  }),
})
const claim = (some: ObjectMeta = {}): Stored<SandboxClaim> => ({
  apiVersion: 'extensions.agents.x-k8s.io/v1beta1',
  kind: 'SandboxClaim',
  metadata: meta(some),
  spec: { warmPoolRef: { name: 'pool' } },
})
const warm = sandbox({
  labels: { 'agents.x-k8s.io/launch-type': 'warm', 'agents.x-k8s.io/created-by': 'python-client' },
  annotations: { 'agents.x-k8s.io/sandbox-template-ref': 'python' },
})
const at = (second: number) => Date.parse('2026-01-01T00:00:00Z') + second * 1000

async function valuesOf(registry: Registry, name: string) {
  const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] }
  return values
}
const sumOf = async (registry: Registry, name: string) =>
  (await valuesOf(registry, name)).find((value) => (value as { metricName?: string }).metricName === `${name}_sum`)

describe('the metrics of the API', () => {
  it('measures a claim since whoever noted its beginning, and not where nobody did', async () => {
    const registry = new Registry()
    const metrics = new PrometheusSandboxMetrics({ registry, sandboxes: () => [] })
    const annotations = {
      'agents.x-k8s.io/controller-first-observed-at': '2026-01-01T00:00:01.500000000Z',
      // Ahead of our clock.
      'agents.x-k8s.io/client-first-requested-at': '2026-01-01T00:00:09Z',
    }
    metrics.claimBecameReady(claim({ annotations }), warm, at(2))
    const labels = { launch_type: 'warm', sandbox_template: 'python' }
    expect(await sumOf(registry, 'agent_sandbox_claim_controller_startup_latency_ms')).toMatchObject({
      value: 500,
      labels,
    })
    expect(await sumOf(registry, 'agent_sandbox_client_claim_startup_latency_ms')).toMatchObject({ value: 0, labels })
    expect(await sumOf(registry, 'agent_sandbox_claim_startup_latency_ms')).toBeUndefined()
  })

  it('has the buckets that dashboards know', async () => {
    const registry = new Registry()
    const metrics = new PrometheusSandboxMetrics({ registry, sandboxes: () => [] })
    metrics.claimBecameReady(
      claim({ annotations: { 'agents.x-k8s.io/webhook-first-observed-at': '2026-01-01T00:00:00Z' } }),
      warm,
      at(1)
    )
    metrics.sandboxBecameReady(warm, at(1))
    const boundsOf = async (name: string) =>
      (await valuesOf(registry, name)).flatMap(({ labels }) => ('le' in labels ? [labels.le] : []))
    expect(await boundsOf('agent_sandbox_claim_startup_latency_ms')).toEqual([
      100,
      250,
      500,
      750,
      1000,
      1250,
      1500,
      2000,
      2500,
      5000,
      10000,
      30000,
      60000,
      120000,
      240000,
      '+Inf',
    ])
    expect(await boundsOf('agent_sandbox_creation_latency_ms')).toEqual([
      50,
      100,
      250,
      500,
      1000,
      2500,
      5000,
      10000,
      30000,
      60000,
      120000,
      240000,
      300000,
      600000,
      '+Inf',
    ])
    expect(await sumOf(registry, 'agent_sandbox_creation_latency_ms')).toMatchObject({
      value: 1000,
      labels: { namespace: 'ns', launch_type: 'warm', sandbox_template: 'python' },
    })
  })

  it('counts claims that got a Sandbox', async () => {
    const registry = new Registry()
    const metrics = new PrometheusSandboxMetrics({ registry, sandboxes: () => [] })
    metrics.claimGotSandbox(claim({ labels: { 'agents.x-k8s.io/created-by': 'somebody' } }), warm, true)
    metrics.claimGotSandbox(claim(), sandbox(), false)
    const common = { namespace: 'ns', warmpool_name: 'pool', created_by: 'unknown' }
    expect(await valuesOf(registry, 'agent_sandbox_claim_creation_total')).toEqual([
      { value: 1, labels: { ...common, sandbox_template: 'python', launch_type: 'warm', pod_condition: 'ready' } },
      {
        value: 1,
        labels: { ...common, sandbox_template: 'unknown', launch_type: 'unknown', pod_condition: 'not_ready' },
      },
    ])
  })

  it('counts Sandboxes at each scrape', async () => {
    const registry = new Registry()
    let known: Stored<Sandbox>[] = []
    new PrometheusSandboxMetrics({ registry, sandboxes: () => known })
    expect(await valuesOf(registry, 'agent_sandboxes')).toEqual([])
    const owned = (type: typeof sandboxClaims | typeof sandboxWarmPools) => ({
      ...warm.metadata,
      ownerReferences: [controllerReference(type, claim())],
    })
    known = [
      sandbox(owned(sandboxClaims), { status: 'True', reason: 'DependenciesReady' }),
      sandbox(owned(sandboxClaims), { status: 'True', reason: 'DependenciesReady' }),
      sandbox(owned(sandboxWarmPools)),
      sandbox({}, { status: 'False', reason: 'SandboxExpired' }),
    ]
    const ofPython = {
      namespace: 'ns',
      expired: 'false',
      launch_type: 'warm',
      sandbox_template: 'python',
      created_by: 'python-client',
    }
    const ofNobody = {
      namespace: 'ns',
      launch_type: 'unknown',
      sandbox_template: 'unknown',
      owned_by: 'None',
      created_by: 'unknown',
    }
    expect(await valuesOf(registry, 'agent_sandboxes')).toEqual([
      { value: 2, labels: { ...ofPython, ready_condition: 'true', owned_by: 'SandboxClaim' } },
      { value: 1, labels: { ...ofPython, ready_condition: 'false', owned_by: 'SandboxWarmPool' } },
      { value: 1, labels: { ...ofNobody, ready_condition: 'false', expired: 'true' } },
    ])
    known = []
    expect(await valuesOf(registry, 'agent_sandboxes')).toEqual([])
  })

  it('stay few, whatever people call their templates and pools', async () => {
    const registry = new Registry()
    const all: Stored<Sandbox>[] = []
    const metrics = new PrometheusSandboxMetrics({ registry, sandboxes: () => all })
    const named = (namespace: string, name: string) =>
      sandbox({ namespace, annotations: { 'agents.x-k8s.io/sandbox-template-ref': name } })
    for (let n = 0; n < 1_000; n++) {
      all.push(named('noisy', `template-${n}`))
      metrics.sandboxBecameReady(all[n] as Stored<Sandbox>, at(1))
      const made = claim({ namespace: 'noisy' })
      metrics.claimGotSandbox({ ...made, spec: { warmPoolRef: { name: `pool-${n}` } } }, warm, true)
    }
    all.push(named('long', 'x'.repeat(100_000)), named('quiet', 'python'))
    const valuesOfLabel = async (name: string, label: string) => {
      const found = (await valuesOf(registry, name)) as { labels: Record<string, unknown> }[]
      return new Set(found.map(({ labels }) => labels[label]))
    }
    const [creation, gauge, pools] = await Promise.all([
      valuesOfLabel('agent_sandbox_creation_latency_ms', 'sandbox_template'),
      valuesOfLabel('agent_sandboxes', 'sandbox_template'),
      valuesOfLabel('agent_sandbox_claim_creation_total', 'warmpool_name'),
    ])
    expect([creation.size, gauge.size, pools.size]).toEqual([101, 102, 101])
    expect(gauge).toContain('python')
    expect(gauge).toContain('other')
  })
})
