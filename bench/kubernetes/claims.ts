import type { Figure } from '../figure.ts'
import { summarize } from '../stats.ts'
import type { BenchCluster } from './bench-cluster.ts'
import { faultsOf, loadClaims } from './claim-load.ts'
import { fakePodSpec } from './objects.ts'
import { poolName, requestPool } from './warm-pool.ts'
import { perThing, sumOf, writesBetween } from './write-counter.ts'

const namespace = 'bench-claims'
const replicas = 150
const load = { total: 100, perSecond: 5, readyWithinMs: 60_000 } as const

/**
 * Claims at a rate that a small control plane carries: how long each waits, against the time that the creation of the same claims took alone; and
 * what each costs the API server once its place in the pool has been filled again.
 */
export async function claims(cluster: BenchCluster): Promise<Figure[]> {
  await using _namespace = await cluster.openNamespace(namespace)
  await using operator = await cluster.startOperator('claims')
  await using pool = await requestPool(cluster, namespace, fakePodSpec, replicas)
  const before = await pool.settled()
  const ownBefore = await operator.writes()
  const { readyAfterMs, answeredAfterMs, faults, warm, lateMs } = await loadClaims(cluster, {
    namespace,
    pool: poolName,
    ...load,
  })
  const after = await pool.settled()
  const ownAfter = await operator.writes()

  const ready = summarize(readyAfterMs)
  const answered = summarize(answeredAfterMs)
  const writes = writesBetween(before, after)
  const per = (count: number) => (count / warm).toFixed(2)
  const setting = `pool ${replicas}, ${load.perSecond} claims/s, n=${ready.n}`
  const latency = (name: 'p50' | 'p90' | 'p99', atMost: number): Figure => ({
    name: `Kubernetes: claim created → Ready seen by a watch, ${name}`,
    value: ready[name],
    unit: 'ms',
    target: { atMost },
    detail: `${setting}; of it, creation alone ${answered[name].toFixed(1)} ms; offered at most ${lateMs.toFixed(1)} ms late`,
  })
  return [
    latency('p50', 40),
    latency('p90', 100),
    latency('p99', 220),
    {
      name: 'Kubernetes: claims that failed',
      value: faultsOf(faults),
      unit: 'count',
      target: { atMost: 0 },
      detail: `of ${load.total}; ${JSON.stringify(faults)}; ${warm} from the pool`,
    },
    {
      name: 'Kubernetes: the operator’s API writes per adopted claim, refill counted',
      value: sumOf(writes) / warm,
      unit: 'count',
      target: { atMost: 10 },
      detail: `by the API server: ${perThing(writes, warm)}; by the operator’s own count ${per(ownAfter - ownBefore)}; of everybody ${per(writes.all)}`,
    },
  ]
}
