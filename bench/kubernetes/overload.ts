import { setTimeout as sleep } from 'node:timers/promises'
import { sandboxes } from '../../packages/kubernetes/src/api/index.ts'
import type { Figure } from '../figure.ts'
import { MiB } from '../first-byte.ts'
import { summarize } from '../stats.ts'
import type { BenchCluster } from './bench-cluster.ts'
import { faultsOf, loadClaims } from './claim-load.ts'
import { fakePodSpec } from './objects.ts'
import { disorderOf } from './order.ts'
import { poolName, requestPool } from './warm-pool.ts'

const namespace = 'bench-overload'
const replicas = 1050
const load = { total: 750, perSecond: 75, readyWithinMs: 120_000 } as const
const idleMs = 30_000
/** Long enough to make too many Sandboxes, were it to forget those there are. */
const afterRestartMs = 15_000

/** More claims than the control plane carries, and what the operator needs for them: it has to stay correct, fair and small, and to come back soon. */
export async function overload(cluster: BenchCluster): Promise<Figure[]> {
  await using _namespace = await cluster.openNamespace(namespace)
  await using pool = await requestPool(cluster, namespace, fakePodSpec, replicas)
  const figures: Figure[] = []
  {
    await using operator = await cluster.startOperator('overload')
    await pool.settled()
    const { cpuSeconds: forPool } = operator.usage
    const result = await loadClaims(cluster, { namespace, pool: poolName, ...load })
    const { cpuSeconds: forClaims } = operator.usage
    await pool.settled()
    const full = operator.usage
    await sleep(idleMs, undefined, { signal: cluster.signal })
    const idle = operator.usage

    const ready = summarize(result.readyAfterMs)
    const { inversions, mostOvertaken } = disorderOf(result.order)
    figures.push(
      {
        name: 'Kubernetes, overload: claims lost or wrong',
        value: faultsOf(result.faults),
        unit: 'count',
        target: { atMost: 0 },
        detail: `of ${load.total} at ${load.perSecond}/s, pool ${replicas}; ${JSON.stringify(result.faults)}; ${result.warm} from the pool`,
      },
      {
        name: 'Kubernetes, overload: claims served per second',
        value: ready.n / (result.tookMs / 1000),
        unit: 'per s',
        target: { atLeast: 35 },
        detail: `${ready.n} in ${(result.tookMs / 1000).toFixed(1)} s; waited p50 ${ready.p50.toFixed(0)} ms, p99 ${ready.p99.toFixed(0)}; offered at most ${result.lateMs.toFixed(0)} ms late`,
      },
      {
        name: 'Kubernetes, overload: pairs of claims served out of order',
        value: inversions * 100,
        unit: '%',
        target: { atMost: 5 },
        detail: `against the order in which the API server stored them; chance gives 50 %; the unluckiest was overtaken by ${mostOvertaken}`,
      },
      {
        name: `Kubernetes: operator’s CPU for pool ${replicas} + ${load.total} claims`,
        value: full.cpuSeconds,
        unit: 's',
        target: { atMost: 25 },
        detail: `start and fill ${forPool.toFixed(1)} s, claims ${(forClaims - forPool).toFixed(1)}, the rest of the refill ${(full.cpuSeconds - forClaims).toFixed(1)}`,
      },
      {
        name: 'Kubernetes: operator’s memory at its most (RSS)',
        value: idle.peakRssBytes / MiB,
        unit: 'MB',
        target: { atMost: 220 },
        detail: `over the same; ${(idle.rssBytes / MiB).toFixed(0)} MB afterwards`,
      },
      {
        name: 'Kubernetes: operator’s CPU when nothing happens',
        // Counted in hundredths of a second: more digits than that say nothing.
        value: Number((((idle.cpuSeconds - full.cpuSeconds) / (idleMs / 1000)) * 100).toFixed(2)),
        unit: '%',
        target: { atMost: 1 },
        detail: `of one core, over ${idleMs / 1000} s, with ${replicas + load.total} Sandboxes`,
      }
    )
  }
  const before = await countSandboxes(cluster)
  await using again = await cluster.startOperator('overload-restarted')
  await sleep(afterRestartMs, undefined, { signal: cluster.signal })
  return [
    ...figures,
    {
      name: 'Kubernetes: operator’s restart → caches synced',
      value: again.readyAfterMs / 1000,
      unit: 's',
      target: { atMost: 3 },
      detail: `with ${before} Sandboxes; ${afterRestartMs / 1000} s later there are ${await countSandboxes(cluster)}`,
    },
  ]
}

async function countSandboxes({ client }: BenchCluster): Promise<number> {
  return (await client.list(sandboxes, { namespace })).items.length
}
