import { sandboxClaims } from '../../packages/kubernetes/src/api/index.ts'
import { pods } from '../../packages/kubernetes/src/controller/index.ts'
import type { Figure } from '../figure.ts'
import { inTurns, type Summary, summarize } from '../stats.ts'
import type { BenchCluster } from './bench-cluster.ts'
import { barePod, claim, gvisorPodSpec } from './objects.ts'
import { PodExec } from './pod-exec.ts'
import { ReadyWatch } from './ready-watch.ts'
import { poolName, requestPool } from './warm-pool.ts'

const namespace = 'bench-cold'
const turns = 10
const container = 'main'
const command = ['echo', 'ready']
const withinMs = 120_000

/** A claim that finds its pool empty, on a node that exists, against the bare Pod that it comes down to. */
export async function cold(cluster: BenchCluster): Promise<Figure[]> {
  await using _namespace = await cluster.openNamespace(namespace)
  await using _operator = await cluster.startOperator('cold')
  await using pool = await requestPool(cluster, namespace, gvisorPodSpec, 0)
  await pool.full()
  const exec = await PodExec.open(cluster.kubeconfig)
  const claimReady: number[] = []
  const podAnswered: number[] = []
  const took = await inTurns(turns, {
    claim: async () => {
      const { readyMs, answeredMs } = await claimToAnswer(cluster, exec)
      claimReady.push(readyMs)
      return answeredMs
    },
    pod: async () => {
      const { readyMs, answeredMs } = await podToAnswer(cluster, exec)
      podAnswered.push(answeredMs)
      return readyMs
    },
  })
  return [
    {
      name: 'Kubernetes: claim, cold, gVisor → first exec answer ÷ bare Pod → Ready',
      value: took.claim.p50 / took.pod.p50,
      unit: 'ratio',
      target: { atMost: 1.15 },
      detail: `claim ${spread(took.claim)}, Ready after p50 ${p50(claimReady)}; Pod ${spread(took.pod)}, exec answered after p50 ${p50(podAnswered)}`,
    },
  ]
}

interface Answered {
  readonly readyMs: number
  readonly answeredMs: number
}

async function claimToAnswer(cluster: BenchCluster, exec: PodExec): Promise<Answered> {
  const { client } = cluster
  const name = 'claim'
  await using claims = await ReadyWatch.open(cluster, sandboxClaims, namespace)
  await using running = await ReadyWatch.open(cluster, pods, namespace)
  const began = performance.now()
  await client.create(sandboxClaims, claim(namespace, name, poolName))
  await claims.until('a cold claim', withinMs, ({ readyAtMs }) => readyAtMs.has(name))
  const readyMs = performance.now() - began
  // A Sandbox that was made for a claim has a Pod of its own name.
  const pod = claims.objects.get(name)?.status?.sandbox?.name ?? ''
  await exec.firstAnswer({ namespace, name: pod, container }, command)
  const answeredMs = performance.now() - began
  await client.delete(sandboxClaims, { namespace, name })
  await running.until('the end of its Pod', withinMs, ({ objects }) => objects.size === 0)
  return { readyMs, answeredMs }
}

async function podToAnswer(cluster: BenchCluster, exec: PodExec): Promise<Answered> {
  const { client } = cluster
  const name = 'bare'
  await using running = await ReadyWatch.open(cluster, pods, namespace)
  const began = performance.now()
  await client.create(pods, barePod(namespace, name, gvisorPodSpec))
  await running.until('a bare Pod', withinMs, ({ readyAtMs }) => readyAtMs.has(name))
  const readyMs = performance.now() - began
  await exec.firstAnswer({ namespace, name, container }, command)
  const answeredMs = performance.now() - began
  await client.delete(pods, { namespace, name })
  await running.until('the end of the Pod', withinMs, ({ objects }) => objects.size === 0)
  return { readyMs, answeredMs }
}

const spread = ({ p50, min, max, n }: Summary): string =>
  `p50 ${p50.toFixed(0)} ms, ${min.toFixed(0)}…${max.toFixed(0)}, n=${n}`
const p50 = (values: readonly number[]): string => `${summarize(values).p50.toFixed(0)} ms`
