import { sandboxTemplates, sandboxWarmPools } from '../../packages/kubernetes/src/api/index.ts'
import { pods } from '../../packages/kubernetes/src/controller/index.ts'
import type { Figure } from '../figure.ts'
import { inTurns } from '../stats.ts'
import type { BenchCluster } from './bench-cluster.ts'
import { barePod, fakePodSpec } from './objects.ts'
import { ReadyWatch } from './ready-watch.ts'
import { poolName, requestPool } from './warm-pool.ts'

const namespace = 'bench-fill'
const many = 500
const turns = 3
/** Creations under way at once: beyond that the API server of two cores becomes no faster. */
const width = 32
const withinMs = 300_000

/** How fast a pool comes, against as many Pods of the same spec without any operator's doing. Both count until the last Pod is seen Ready. */
export async function fill(cluster: BenchCluster): Promise<Figure[]> {
  await using _namespace = await cluster.openNamespace(namespace)
  await using _operator = await cluster.startOperator('fill')
  const took = await inTurns(turns, { pool: () => fillPool(cluster), bare: () => createBarePods(cluster) })
  const perSecond = (ms: number) => many / (ms / 1000)
  const spread = ({ min, max }: { min: number; max: number }) =>
    `${perSecond(max).toFixed(0)}…${perSecond(min).toFixed(0)} Pods/s`
  return [
    {
      name: 'Kubernetes: pool fill',
      value: perSecond(took.pool.p50),
      unit: 'per s',
      target: { atLeast: 45 },
      detail: `${many} Pods until Ready, ${spread(took.pool)}, n=${turns}`,
    },
    {
      name: 'Kubernetes: pool fill ÷ creation of bare Pods',
      value: took.bare.p50 / took.pool.p50,
      unit: 'ratio',
      target: { atLeast: 0.8 },
      detail: `bare Pods, ${width} at a time: ${spread(took.bare)}`,
    },
  ]
}

async function fillPool(cluster: BenchCluster): Promise<number> {
  await using watch = await ReadyWatch.open(cluster, pods, namespace)
  const began = performance.now()
  await using pool = await requestPool(cluster, namespace, fakePodSpec, many)
  await watch.until('the Pods of a pool', withinMs, ({ readyAtMs }) => readyAtMs.size >= many)
  const took = performance.now() - began
  await pool.settled()
  await cluster.client.delete(sandboxWarmPools, { namespace, name: poolName })
  await watch.until('the end of a pool', withinMs, ({ objects }) => objects.size === 0)
  for (const { metadata } of (await cluster.client.list(sandboxTemplates, { namespace })).items)
    await cluster.client.delete(sandboxTemplates, metadata)
  return took
}

export async function createBarePods(cluster: BenchCluster): Promise<number> {
  const { client, kubectl } = cluster
  await using watch = await ReadyWatch.open(cluster, pods, namespace)
  const began = performance.now()
  const names = Array.from({ length: many }, (_, at) => `bare-${at}`).values()
  const lane = async () => {
    for (const name of names) await client.create(pods, barePod(namespace, name, fakePodSpec))
  }
  await Promise.all(Array.from({ length: width }, lane))
  await watch.until('bare Pods', withinMs, ({ readyAtMs }) => readyAtMs.size >= many)
  const took = performance.now() - began
  // All in one request.
  await kubectl('delete', '--raw', `/api/v1/namespaces/${namespace}/pods`)
  await watch.until('the end of bare Pods', withinMs, ({ objects }) => objects.size === 0)
  return took
}
